package fanout

// First fires every producer at once and answers with the first success.
func First[T any](c *Call[T]) ([]T, error) {
	if err := c.Fire(c.Producers()); err != nil {
		return nil, err
	}
	for c.Running() > 0 {
		r, err := c.Next()
		if err != nil {
			return nil, err
		}
		if r.Err == nil {
			return []T{r.Value}, nil
		}
	}
	return nil, ErrFailed
}
