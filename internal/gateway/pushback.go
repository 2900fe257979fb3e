package gateway

import "time"

// PushBack leaves a URL of an API alone for d, as if it had asked this process for that time. It does nothing when there is no such URL.
func (g *Gateway) PushBack(api string, url int, d time.Duration) {
	if a, ok := (*g.apis.Load())[api]; ok && url >= 0 && url < a.URLs() {
		a.engine.PushBack(url, d)
	}
}
