package gateway

import (
	"hedgerow/internal/fanout"
	"hedgerow/internal/quota"
)

// Quota bounds the requests that an API gets over time. A *quota.Bucket is one, of this process alone.
type Quota interface {
	fanout.Quota
	// Spend takes a request that is sent without being asked for.
	Spend()
	// SetRate changes how much it is. What was taken stays taken.
	SetRate(r quota.Rate)
	// Load tells what it does now.
	Load() quota.Load
	// Close ends it. It may be used all the same, until the last call has ended.
	Close()
}

// inProcess is the Settings.NewQuota of a process that shares nothing.
func inProcess(_ string, r quota.Rate) Quota { return quota.NewBucket(r) }

// newQuota returns the quota of an API, nil without one. It is that of the API before, if that had one: what was taken of it stays taken.
func (a *API) newQuota(s Settings, was *API) Quota {
	r := a.settings.Quota
	switch {
	case r == quota.Rate{}:
		return nil
	case was == nil || was.quota == nil:
		return s.NewQuota(a.Name(), r)
	}
	was.quotaLives = true
	was.quota.SetRate(r)
	return was.quota
}

// endQuota closes the quota, unless another API has it by now.
func (a *API) endQuota() {
	if a.quota != nil && !a.quotaLives {
		a.quota.Close()
	}
}

// spending is observe, and takes what is sent again out of a quota, which nobody has asked for it. Either may be nil.
func spending(q Quota, observe func(again bool)) func(again bool) {
	if q == nil {
		return observe
	}
	return func(again bool) {
		if again {
			q.Spend()
		}
		if observe != nil {
			observe(again)
		}
	}
}
