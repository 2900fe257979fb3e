package gateway

import "hedgerow/internal/quota"

// newQuota returns an API's quota, nil without one. It is that of the API before, if that had one: what was taken of it stays taken.
func newQuota(r quota.Rate, was *API) *quota.Bucket {
	switch {
	case r == quota.Rate{}:
		return nil
	case was == nil || was.quota == nil:
		return quota.NewBucket(r)
	}
	was.quota.SetRate(r)
	return was.quota
}

// spending is observe, and takes what is sent again out of a quota, which nobody has asked for it. Either may be nil.
func spending(bucket *quota.Bucket, observe func(again bool)) func(again bool) {
	if bucket == nil {
		return observe
	}
	return func(again bool) {
		if again {
			bucket.Spend()
		}
		if observe != nil {
			observe(again)
		}
	}
}
