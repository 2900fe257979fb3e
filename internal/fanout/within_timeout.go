package fanout

import "errors"

// WithinTimeout fires every producer at once and answers with the successes so far, possibly none, when all of them have
// ended or the deadline has come.
func WithinTimeout[T any](c *Call[T]) ([]T, error) {
	if err := c.Fire(c.Producers()); err != nil {
		return nil, err
	}
	values := make([]T, 0, c.Producers())
	for c.Running() > 0 {
		r, err := c.Next()
		if errors.Is(err, ErrTimedOut) {
			break
		}
		if err != nil {
			return nil, err
		}
		if r.Err == nil {
			values = append(values, r.Value)
		}
	}
	return values, nil
}
