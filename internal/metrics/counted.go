package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"hedgerow/internal/fanout"
)

// Counted is what has been counted of an API since the process started. Its numbers are read one after the other, while calls run.
type Counted struct {
	// Calls were answered, Failed of them with an error. Unmade are those below /api that were not made, by their status.
	Calls, Failed, Unmade uint64
	// Within are the calls that took at most as many seconds as Bounds says at the same place.
	Bounds []float64
	Within []uint64
	// Requests were sent. Hedges are attempts sent that were held back at first, Paid those of them that won.
	Requests, Hedges, Paid uint64
	// Saved are the seconds that hedges have saved at least.
	Saved float64
	// Refused are attempts that were not sent, by the kind of their reason.
	Refused map[fanout.Kind]uint64
}

// Counted returns what has been counted of all endpoints together.
func (m *Metrics) Counted() Counted {
	c := m.attempts.counted()
	for _, s := range m.endpoints {
		s.addTo(&c)
		c.Unmade += whole(s.answered[http.StatusBadRequest]) + whole(s.answered[http.StatusServiceUnavailable])
	}
	return c
}

// Counted returns what has been counted of each API of the file.
func (a *APIs) Counted() map[string]Counted {
	series := *a.series.Load()
	all := make(map[string]Counted, len(series))
	for api, s := range series {
		c := s.attempts.counted()
		s.calls.addTo(&c)
		all[api] = c
	}
	return all
}

// addTo adds the calls.
func (s *callSeries) addTo(c *Counted) {
	for status, answered := range s.answered {
		n := whole(answered)
		c.Calls += n
		if status >= http.StatusInternalServerError || status == http.StatusInternalServerError/100 { // or the class
			c.Failed += n
		}
	}
	c.Calls += whole(s.other)
	for i, bucket := range read(s.duration).GetHistogram().GetBucket() {
		if i == len(c.Within) {
			c.Bounds, c.Within = append(c.Bounds, bucket.GetUpperBound()), append(c.Within, 0)
		}
		c.Within[i] += bucket.GetCumulativeCount()
	}
}

// counted is what is known of the attempts.
func (s *attemptSeries) counted() Counted {
	c := Counted{
		Requests: whole(s.requests), Paid: whole(s.hedge.ended[fanout.Won]), Saved: read(s.saved).GetCounter().GetValue(),
		Refused: map[fanout.Kind]uint64{},
	}
	for outcome, n := range s.hedge.ended {
		if outcome != fanout.Refused {
			c.Hedges += whole(n)
		}
	}
	for _, k := range []kind{s.first, s.hedge} {
		for reason, n := range k.refused {
			c.Refused[reason] += whole(n)
		}
	}
	return c
}

// whole is what a counter that counts whole things has counted, 0 without one.
func whole(counter prometheus.Counter) uint64 {
	if counter == nil {
		return 0
	}
	return uint64(read(counter).GetCounter().GetValue())
}

func read(m prometheus.Metric) *dto.Metric {
	var value dto.Metric
	_ = m.Write(&value) // cannot fail for a counter or a histogram of ours
	return &value
}
