package fanout

// All fires every producer at once and answers with the successes when all of them have ended.
func All[T any](c *Call[T]) ([]T, error) {
	if err := c.Fire(c.Producers()); err != nil {
		return nil, err
	}
	values := make([]T, 0, c.Producers())
	for c.Running() > 0 {
		r, err := c.Next()
		if err != nil {
			return nil, err
		}
		if r.Err == nil {
			values = append(values, r.Value)
		}
	}
	if len(values) == 0 {
		return nil, ErrFailed
	}
	return values, nil
}
