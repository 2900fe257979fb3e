package gateway_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheMostSpecificRouteWins(t *testing.T) {
	g := newGate(t, `
apis:
  a:
    url: http://h
    methods: [GET, HEAD, POST]
    timeout: 1s
    routes:
      "GET /search/": {timeout: 2s}
      "GET /search/{word}": {timeout: 3s}
      "GET /search/best": {timeout: 4s}
      "POST /orders/{id}/pay": {timeout: 5s}
      "/exact/{$}": {timeout: 6s}
`)
	defer g.Close()
	api := g.Use("a")
	defer api.Release()
	for line, want := range map[[2]string]float64{
		{"GET", ""}: 1, {"GET", "/"}: 1, {"GET", "/other"}: 1, {"POST", "/search/"}: 1,
		{"GET", "/search/"}: 2, {"HEAD", "/search/"}: 2, {"GET", "/search/a/b"}: 2,
		{"GET", "/search"}: 2, {"GET", "/search//a/b"}: 2, {"GET", "/search//b"}: 3, // the route of where net/http would redirect to
		{"GET", "/search/a"}: 3, {"GET", "/search/a%2Fb"}: 3, {"HEAD", "/search/%61"}: 3,
		{"GET", "/search/best"}: 4, {"HEAD", "/search/best"}: 4, {"GET", "/search/bes%74"}: 4,
		{"POST", "/orders/7/pay"}: 5, {"POST", "/orders/a%2Fb/pay"}: 5, {"POST", "/orders/7/8/pay"}: 1, {"GET", "/orders/7/pay"}: 1,
		{"GET", "/exact/"}: 6, {"GET", "/exact/x"}: 1,
	} {
		assert.InDelta(t, want, api.Route(line[0], line[1]).Timeout.Seconds(), 0, "%v", line)
	}
}

func TestAllowHasEveryMethodOfAPathWhateverRouteGivesIt(t *testing.T) {
	g := newGate(t, `
apis:
  a:
    url: http://h
    routes:
      "POST /orders": {methods: [POST]}
      "/orders/{id}": {methods: [GET, DELETE]}
      "/asks/": {methods: [OPTIONS]}
`)
	defer g.Close()
	api := g.Use("a")
	defer api.Release()
	for path, want := range map[string]string{
		"/": "GET, HEAD, OPTIONS", "/orders": "GET, HEAD, POST, OPTIONS", "/orders/7": "DELETE, GET, OPTIONS", "/asks/x": "OPTIONS",
	} {
		assert.Equal(t, want, api.Allow(path), path)
	}
}

func TestABudgetOfAnyRouteIsABudget(t *testing.T) {
	g := newGate(t, `
apis:
  usual: {url: "http://h"}
  none: {url: "http://h", hedge: {budget: off}, routes: {"/a": {timeout: 1s}}}
  route: {url: "http://h", hedge: {budget: off}, routes: {"/a": {timeout: 1s}, "/b": {hedge: {budget: 5%}}}}
`)
	defer g.Close()
	budgeted := map[string]bool{}
	for _, api := range g.APIs() {
		budgeted[api.Name()] = api.Budgeted()
	}
	assert.Equal(t, map[string]bool{"usual": true, "none": false, "route": true}, budgeted)
}
