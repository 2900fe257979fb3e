package gateway_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestRequestsThatAreNotSafeToRepeatAreMadeOnceWhateverTheStrategy(t *testing.T) {
	once := []string{"POST", "PATCH", "REPORT", "LOCK"}
	safe := []string{"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
	key := []string{"Idempotency-Key", "k"}
	for name, test := range map[string]struct {
		settings string
		methods  []string
		fields   []string
		want     int
	}{
		"idempotent":                         {"", safe, nil, 3},
		"idempotent, with a key":             {"idempotency_key: true, ", safe, key, 3},
		"not idempotent":                     {"", once, nil, 1},
		"a key that the API does not know":   {"", once, key, 1},
		"a key":                              {"idempotency_key: true, ", once, key, 3},
		"no key":                             {"idempotency_key: true, ", once, nil, 1},
		"an empty key":                       {"idempotency_key: true, ", once, []string{"Idempotency-Key", ""}, 1},
		"two keys":                           {"idempotency_key: true, ", once, []string{"Idempotency-Key", "a", "Idempotency-Key", "b"}, 1},
		"a key of the connection":            {"idempotency_key: true, ", once, append([]string{"Connection", "idempotency-key"}, key...), 1},
		"a key of ours and not the caller's": {"idempotency_key: true, set: {Idempotency-Key: x}, ", once, nil, 1},
		"repeatable":                         {"repeatable: true, ", once, nil, 3},
	} {
		for strategy := range strategies {
			for _, method := range test.methods {
				synctest.Test(t, func(t *testing.T) {
					s := always(step{after: ms, status: 500})
					g := start(t, one(test.settings+"methods: ["+method+"], hedge: {delay: 0s}, strategy: "+strategy), s)
					_, _ = g.call(t, "a", method, "/x", test.fields...)
					assert.Equal(t, test.want, s.requests(), "%s by %s: %s", method, strategy, name)
					for _, made := range s.sent {
						assert.Same(t, s.sent[0].request, made.request, "each attempt has the same key and the same bytes")
						assert.Equal(t, test.want > 1, made.request.Repeatable, "nor is it sent again by another connection")
					}
					g.Close()
				})
			}
		}
	}
}

func TestARequestIsWhatTheFileMakesOfTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := always(step{status: 200})
		g := start(t, one(`attempts: 1, max_body: 5KiB, set: {Authorization: ours, X-Set: "1"}, forward: {headers: [Authorization, X-Own]}`), s)
		_, _ = g.call(t, "a", "GET", "/x//y?z", "Authorization", "theirs", "X-Own", "1", "X-Own", "2", "X-Other", "3", "Via", "1.0 fred", "Cookie", "c")
		request := s.sent[0].request
		assert.Equal(t, http.Header{
			"Authorization": {"ours"}, "X-Set": {"1"}, "X-Own": {"1", "2"}, "Via": {"1.0 fred, 1.1 me"}, "User-Agent": {"ours"},
		}, request.Header)
		assert.Equal(t, "/x//y?z", request.Target.Path+request.Target.Query)
		assert.Equal(t, "body", string(request.Body))
		assert.EqualValues(t, 5<<10, request.MaxBody)
		g.Close()
	})
}
