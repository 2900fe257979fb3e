// Command baseline is what one writes by hand with net/http: first-of-3 that cancels its losers at once, and all-of-3. The benchmarks
// compare Hedgerow with it. It checks the same of an answer as Hedgerow, and it neither logs nor counts. Below /proxy/ it is a plain
// reverse proxy.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"time"
)

const attempts = 3

type answer struct {
	Time *int64 `json:"time"`
}

type service struct {
	client *http.Client
	url    string
}

func main() {
	addr := flag.String("addr", "127.0.0.1:0", "where to listen")
	target := flag.String("url", "", "the upstream API")
	flag.Parse()
	transport := &http.Transport{MaxIdleConns: 12288, MaxIdleConnsPerHost: 12288}
	s := &service{client: &http.Client{Transport: transport}, url: *target}
	http.HandleFunc("/api/first", s.first)
	http.HandleFunc("/api/all", s.all)
	http.Handle("/proxy/", reverseProxy(*target, transport))
	log.Fatal(http.ListenAndServe(*addr, nil)) //nolint:gosec // a yardstick needs no timeouts
}

// reverseProxy is what one writes with the standard library alone.
func reverseProxy(target string, transport http.RoundTripper) http.Handler {
	base, err := url.Parse(target)
	if err != nil {
		log.Fatal(err)
	}
	return &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(base) }}
}

// fetch makes one attempt.
func (s *service) fetch(ctx context.Context) (answer, bool) {
	var a answer
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return a, false
	}
	response, err := s.client.Do(request)
	if err != nil {
		return a, false
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil || response.StatusCode != http.StatusOK || json.Unmarshal(body, &a) != nil || a.Time == nil {
		return a, false
	}
	return a, true
}

// fire makes all attempts at once.
func (s *service) fire(ctx context.Context) <-chan *answer {
	results := make(chan *answer, attempts)
	for range attempts {
		go func() {
			if a, ok := s.fetch(ctx); ok {
				results <- &a
				return
			}
			results <- nil
		}()
	}
	return results
}

func timeout(r *http.Request) time.Duration {
	ms, _ := strconv.Atoi(r.URL.Query().Get("timeout"))
	return time.Duration(ms) * time.Millisecond
}

func (s *service) first(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), timeout(r))
	defer cancel()
	results := s.fire(ctx)
	for range attempts {
		if a := <-results; a != nil {
			write(w, a)
			return
		}
	}
	w.WriteHeader(http.StatusBadGateway)
}

func (s *service) all(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), timeout(r))
	defer cancel()
	results := s.fire(ctx)
	answers := make([]*answer, 0, attempts)
	for range attempts {
		if a := <-results; a != nil {
			answers = append(answers, a)
		}
	}
	if len(answers) == 0 {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	write(w, answers)
}

func write(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // the caller has gone
}
