package http_test

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"hedgerow/test/faultserver"
)

func TestNobodyGetsWhatIsSomebodyElses(t *testing.T) {
	var mu sync.Mutex
	n := 0
	p := newProxied(t, "strategy: first\nmax_in_flight: 100", func(c net.Conn) bool { // each answer has another letter and another length
		mu.Lock()
		n++
		letter, length := string(rune('a'+n%26)), 1+n*977%70_000
		mu.Unlock()
		return faultserver.Status(200, strings.Repeat(letter, length))(c)
	})
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for range 30 {
				length, body := fetch(p.Client(), p.URL+"/proxy/a/x")
				assert.Equal(t, length, strconv.Itoa(len(body)))
				assert.Empty(t, strings.Trim(body, body[:min(1, len(body))]), "the body of one answer and nothing of another")
			}
		})
	}
	callers.Wait()
}

// fetch returns an answer's length, as its header says, and its body.
func fetch(client *http.Client, url string) (length, body string) {
	response, err := client.Get(url)
	if err != nil {
		return "", err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err.Error()
	}
	return response.Header.Get("Content-Length"), string(read)
}
