package mutants

// target is what of a package is changed, and which tests have to notice.
type target struct {
	files []string // none: all
	tests string   // a regular expression; empty: all
}

// mutated are the packages of internal/ that are changed.
var mutated = map[string]target{
	"fanout": {},
	"listen": {[]string{"arrival.go"}, "Clock|TestARequest"},
}

// key is a kind of change in one function.
type key struct{ pkg, function, operator string }

// survivors are mutants that no test can notice.
type survivors struct {
	number int
	reason string
}

// Operators that are named below.
const (
	always   = "the condition always holds"
	boundary = "the boundary is on the other side"
	leftOut  = "a statement is left out"
	never    = "the condition never holds"
	noCall   = "a call changes nothing"
	number   = "another number"
	operand  = "an operand is left out"
	next     = "the next number is equal too"
	field    = "a field of a literal is left out"
)

const (
	noHedge    = "a timer without attempts held back fires nothing"
	atDeadline = "of a timer and a deadline at the same moment the deadline may be taken first, so a test notices it only sometimes"
	releases   = "a timer that is not stopped fires into the void: stopping it releases its memory earlier"
	noTime     = "to be asked to wait for no time changes nothing"
	never0     = "a pushback that was never asked for has passed in any case"
	room       = "room that is taken in advance saves an allocation"
	nanosecond = "a nanosecond more or less is within every tolerance"
	atOnce     = "a grace of no time cuts at once too, on another goroutine"
)

var accepted = map[key]survivors{
	{"fanout", "Call.FireAfter", always}:    {1, noHedge + "; " + atDeadline},
	{"fanout", "Call.FireAfter", operand}:   {2, noHedge + "; " + atDeadline},
	{"fanout", "Call.FireAfter", boundary}:  {2, noHedge + "; " + atDeadline},
	{"fanout", "Call.FireHeld", never}:      {1, "to fire no attempts does nothing"},
	{"fanout", "Call.Next", noCall}:         {2, "take returns the result that it gets"},
	{"fanout", "Call.markRunning", never}:   {1, "without a running attempt there is nothing to update: it saves a look at the clock"},
	{"fanout", "Service.learn", never}:      {1, "no error is not a failure either"},
	{"fanout", "Service.learn", operand}:    {1, noTime},
	{"fanout", "Service.learn", boundary}:   {1, noTime},
	{"fanout", "Service.learn", number}:     {1, "to be asked to wait for a nanosecond is to be asked for nothing"},
	{"fanout", "Call.end", leftOut}:         {2, releases},
	{"fanout", "Call.end", never}:           {1, releases},
	{"fanout", "Call.end", operand}:         {1, atOnce},
	{"fanout", "Call.end", number}:          {1, atOnce},
	{"fanout", "Call.end", next}:            {1, nanosecond},
	{"fanout", "mean.add", next}:            {1, nanosecond},
	{"fanout", "pushback.left", next}:       {1, nanosecond},
	{"fanout", "newCall", field}:            {1, room},
	{"fanout", "Call.lose", leftOut}:        {1, releases},
	{"fanout", "Call.lose", never}:          {1, releases},
	{"fanout", "pushback.extend", boundary}: {1, "to store the same time again changes nothing"},
	{"fanout", "pushback.left", never}:      {1, never0},
	{"fanout", "pushback.left", number}:     {1, never0},

	{"listen", "rememberConnection", always}: {1, "only a connection that was never opened has no descriptor"},
}
