package fanout

// Smart fires one producer, the rest when it has failed or has not succeeded within the hedge delay, and answers with the
// first success of any.
func Smart[T any](c *Call[T]) ([]T, error) {
	if err := c.Fire(1); err != nil {
		return nil, err
	}
	c.FireAfter(c.HedgeDelay(), c.Producers()-1)
	for c.Running() > 0 {
		r, err := c.Next()
		if err != nil {
			return nil, err
		}
		if r.Err == nil {
			return []T{r.Value}, nil
		}
		c.FireHeld()
	}
	return nil, ErrFailed
}
