package upstream

// RetryAfter is retryAfter for tests from outside.
var RetryAfter = retryAfter

// Idle is the number of connections that the client keeps.
func (c *Client) Idle() int { return c.origins[0].Idle() }
