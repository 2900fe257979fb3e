package http

// The types in this file stand only in the API's document, where each gives the Problem of one status an example of its own.

// shared are the members that a Problem has whatever its status.
type shared struct {
	Type      string `json:"type" example:"about:blank"`
	RequestID string `json:"request_id" example:"5f0c2f5e9d3b4c1a8e7d6f5a4b3c2d1e"`
}

// InvalidTimeout is a Problem of status 400.
type InvalidTimeout struct {
	shared
	Title  string `json:"title" example:"Bad Request"`
	Status int    `json:"status" example:"400"`
	Detail string `json:"detail" example:"query parameter timeout is missing: give it once, in milliseconds, as decimal digits from 1 to 60000"`
	Error  string `json:"error" example:"query parameter timeout is missing: give it once, in milliseconds, as decimal digits from 1 to 60000"`
} //	@name	InvalidTimeout

// AllFailed is a Problem of status 502.
type AllFailed struct {
	shared
	Title    string          `json:"title" example:"Bad Gateway"`
	Status   int             `json:"status" example:"502"`
	Detail   string          `json:"detail" example:"all attempts at the upstream API failed"`
	Error    string          `json:"error" example:"all attempts at the upstream API failed"`
	Attempts []AttemptReport `json:"attempts"`
} //	@name	AllFailed

// Refused is a Problem of status 503.
type Refused struct {
	shared
	Title  string `json:"title" example:"Service Unavailable"`
	Status int    `json:"status" example:"503"`
	Detail string `json:"detail" example:"more calls than can be answered in time, try again later"`
	Error  string `json:"error" example:"more calls than can be answered in time, try again later"`
} //	@name	Refused

// NotReady is a Problem of status 503.
type NotReady struct {
	shared
	Title  string `json:"title" example:"Service Unavailable"`
	Status int    `json:"status" example:"503"`
	Detail string `json:"detail" example:"shutting down"`
	Error  string `json:"error" example:"shutting down"`
} //	@name	NotReady

// TimedOut is a Problem of status 504.
type TimedOut struct {
	shared
	Title    string          `json:"title" example:"Gateway Timeout"`
	Status   int             `json:"status" example:"504"`
	Detail   string          `json:"detail" example:"no answer from the upstream API within the timeout"`
	Error    string          `json:"error" example:"no answer from the upstream API within the timeout"`
	Attempts []AttemptReport `json:"attempts"`
} //	@name	TimedOut
