package replicas

import (
	"math"
	"time"

	"hedgerow/internal/quota"
)

// share is the part of the quota that this replica has while Redis does not answer.
func (q *Quota) share() quota.Rate {
	return quota.Rate{Requests: q.rate.Requests, Per: q.rate.Per * time.Duration(q.link.Replicas())}
}

// fall has the replica keep to its share, unless it does already. It begins with its part of what was left, and behind the calls that have
// a turn which is still to come.
func (q *Quota) fall(now time.Time) {
	if q.alone != nil {
		return
	}
	left := q.left(now) / float64(q.link.Replicas())
	q.alone = quota.NewBucketHolding(q.share(), int(math.Floor(left)))
	q.lost = false
}

// comeBack has the replica share the quota again, if it keeps to its own part. What it has used of that is taken from Redis. It is false
// when Redis does not answer.
func (q *Quota) comeBack() bool {
	q.mu.Lock()
	alone, lost := q.alone, q.lost
	o := q.order(time.Now())
	q.mu.Unlock()
	if alone == nil {
		return true
	}
	if lost {
		// Redis may have begun anew. The other replicas have used as much, and may not have come back yet.
		used, _ := alone.Taken()
		missing := q.share().Burst() - int(alone.Load().Left)
		o.firsts, o.ahead, o.more = 0, 0, min(used, missing)*q.link.Replicas()
		if _, err := q.link.take(q.key, o); err != nil {
			return false
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	used, turns := alone.Taken()
	if lost {
		used, q.lease = 0, 0
	}
	load := alone.Load()
	q.waits, q.waited = q.waits+load.Waits, q.waited+load.Waited
	q.lease -= used + turns
	q.alone = nil
	return true
}
