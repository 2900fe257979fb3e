package hedge

// Idle tells whether the delay's window is out of use: it has no memory and no timer.
func (d *Delay) Idle() bool {
	w := d.window
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.present == nil && w.past == nil && (w.timer == nil || !w.timer.Stop())
}
