package mutants

// target is what of a package is changed, and which tests have to notice.
type target struct {
	functions []string // with the types of their receivers; none: all
	tests     string   // a regular expression; empty: all
}

// mutated are the packages of internal/ that are changed.
var mutated = map[string]target{
	"fanout":  {},
	"forward": {},
	"http":    {[]string{"parseTimeout", "parseMilliseconds"}, "FuzzParseTimeout|ABadTimeout"},
	"listen":  {[]string{"rememberConnection", "ConnectionOf", "Connection.Arrival", "Connection.arrived", "Connection.Answered"}, "Clock|TestARequest"},
	"rule": {[]string{
		"Rule.Judge", "validJSON", "depthWithin", "stringEnd", "lookup", "DefaultStatuses", "StatusSet.With", "StatusSet.with", "StatusSet.Has",
		"StatusSet.String",
	}, "ByDefault|AStatusSet|AConditionSees|OnlyArrays|ALongText|NotJSON|WithoutABody|CannotBeEvaluated"},
	"upstream": {[]string{
		"Client.fetchBy", "readTime", "readBody", "parseTime", "parseUsual", "pushback", "answered", "retryAfter",
	}, "ABody|APromised|TheLog|Fuzz|TestASuccess|NoStatusBut|ARequestThat|NothingListens|TestRetryAfter|SaysHowLongToWait"},
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
	tooLate    = "a timer that is not before the deadline fires nothing"
	releases   = "a timer that is not stopped fires into the void: stopping it releases its memory earlier"
	noTime     = "to be asked to wait for no time changes nothing"
	never0     = "a pushback that was never asked for has passed in any case"
	room       = "room that is taken in advance saves an allocation"
	nanosecond = "a nanosecond more or less is within every tolerance"
	beside     = "the value beside an error or a problem is not looked at"
	noOrder    = "a set of names, or one that came from a map, has no order"
	beyond     = "a set has no status beyond the last class, but for the set of the default, which is told in words"
	slash      = "a target begins with a slash, and without /proxy/ the name of its API is empty"
	another    = "another timer cuts losers as well as the first, and costs memory"
	ringing    = "the first timer may be used again unless it rings at that very moment, which fake time has no two of"
	atOnce     = "a grace of no time cuts at once too, on another goroutine"
)

var accepted = map[key]survivors{
	{"fanout", "Call.FireAfter", always}:    {1, noHedge + "; " + tooLate},
	{"fanout", "Call.FireAfter", operand}:   {2, noHedge + "; " + tooLate},
	{"fanout", "Call.FireAfter", boundary}:  {2, noHedge + "; " + tooLate},
	{"fanout", "Call.Fire", always}:         {1, "to refuse none changes nothing"},
	{"fanout", "Call.Fire", boundary}:       {1, "to refuse none changes nothing"},
	{"fanout", "Call.turn", number}:         {2, "nobody reads what is granted beside an error"},
	{"fanout", "budget.add", operand}:       {1, "a full budget that is not written to is not fought over"},
	{"fanout", "Call.Next", noCall}:         {2, "take returns the result that it gets"},
	{"fanout", "newCall", always}:           {1, room},
	{"fanout", "newCall", boundary}:         {1, room},
	{"fanout", "newCall", leftOut}:          {1, room},
	{"fanout", "newCall", never}:            {1, room},
	{"fanout", "newCall", number}:           {1, room},
	{"fanout", "Call.markRunning", never}:   {1, "without a running attempt there is nothing to update: it saves a look at the clock"},
	{"fanout", "Call.learn", never}:         {1, "no error is not a failure either"},
	{"fanout", "Call.learn", operand}:       {1, noTime},
	{"fanout", "Call.learn", boundary}:      {1, noTime},
	{"fanout", "Call.learn", number}:        {1, "to be asked to wait for a nanosecond is to be asked for nothing"},
	{"fanout", "New", number}:               {1, "a place that no attempt goes to asks for nothing"},
	{"fanout", "Call.end", leftOut}:         {1, releases},
	{"fanout", "Call.end", never}:           {2, releases + "; " + another},
	{"fanout", "Call.end", always}:          {1, ringing},
	{"fanout", "Call.end", operand}:         {1, atOnce},
	{"fanout", "Call.end", number}:          {1, atOnce},
	{"fanout", "Call.end", next}:            {1, nanosecond},
	{"fanout", "mean.add", next}:            {1, nanosecond},
	{"fanout", "pushback.left", next}:       {1, nanosecond},
	{"fanout", "Call.lose", leftOut}:        {1, releases},
	{"fanout", "pushback.extend", boundary}: {1, "to store the same time again changes nothing"},
	{"fanout", "pushback.left", never}:      {1, never0},
	{"fanout", "pushback.left", number}:     {1, never0},

	{"forward", "Requests.Header", "the opposite operation"}:                {1, room},
	{"forward", "Requests.Header", "the second operand counts for nothing"}: {1, room},
	{"forward", "Requests.Header", number}:                                  {1, room},
	{"forward", "Requests.Header", "append puts it in front"}:               {1, noOrder},
	{"forward", "Answers.Copy", always}:                                     {1, "what is put behind nothing is the same, in memory of its own"},
	{"forward", "connectionNames", "append puts it in front"}:               {1, noOrder},
	{"forward", "ParseTarget", boundary}:                                    {1, slash},
	{"forward", "ParseTarget", number}:                                      {1, slash},
	{"forward", "ParseTarget", never}:                                       {1, slash},

	{"http", "parseMilliseconds", number}:                       {4, beside},
	{"http", "parseMilliseconds", "a number in quotes is read"}: {1, "quotes are refused before"},
	{"http", "parseMilliseconds", operand}:                      {1, "a number that does not fit is read as the largest one, which is over the maximum"},

	{"listen", "rememberConnection", always}:   {1, "only a connection that was never opened has no descriptor"},
	{"listen", "Connection.Arrival", boundary}: {1, nanosecond},

	{"rule", "Rule.Judge", operand}:        {1, "a condition with an error is not met either"},
	{"rule", "StatusSet.With", next}:       {1, "what is longer does not fit the rest of the condition"},
	{"rule", "StatusSet.With", operand}:    {1, "a text that is not a number is read as 0, which is not a status"},
	{"rule", "StatusSet.Has", next}:        {1, "a bit is 0 or 1"},
	{"rule", "StatusSet.String", boundary}: {1, beyond},
	{"rule", "StatusSet.String", number}:   {1, beyond},
	{"rule", "StatusSet.String", next}:     {1, "a class has 100 statuses, not 101"},

	{"upstream", "Client.fetchBy", leftOut}: {1, "what becomes of the connection is seen by the client's tests, which are too slow for this"},
	{"upstream", "Client.fetchBy", number}:  {3, beside},
	{"upstream", "parseTime", number}:       {2, beside},
	{"upstream", "parseUsual", number}:      {3, beside},
	{"upstream", "retryAfter", never}:       {1, "a date that does not parse is the first day of the year 1, which is over"},
}
