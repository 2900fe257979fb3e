package secrets

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// get returns an answer, head and body.
func get(t *testing.T, url string, header ...string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if response.Header.Get("Content-Type") == "application/octet-stream" {
		return string(body) // may be packed
	}
	return fmt.Sprint(response.Status, response.Header, string(body))
}

var (
	asset   = regexp.MustCompile(`(?:src|href)="\.?/?([^":]+)"`)
	profile = regexp.MustCompile(`href='([a-z]+)\?debug=`)
)

// pages returns everything that the process serves.
func (s *service) pages(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	console := get(t, s.URL()+"/")
	assets := asset.FindAllStringSubmatch(console, -1)
	require.Greater(t, len(assets), 3)
	for _, a := range assets {
		pages[a[1]] = get(t, s.URL()+"/"+a[1])
	}
	for _, path := range []string{"/", "/index.html", "/doc.json", "/livez", "/readyz", "/swagger-initializer.js"} {
		pages[path] = get(t, s.URL()+path)
	}
	assert.Contains(t, pages["/doc.json"], "${IN_EXAMPLE}", "as it is written")
	admin := "http://" + s.AdminAddr
	index := get(t, admin+"/debug/pprof/")
	profiles := profile.FindAllStringSubmatch(index, -1)
	require.Greater(t, len(profiles), 4, index)
	for _, p := range profiles {
		if p[1] == "profile" || p[1] == "trace" {
			continue // which take a while
		}
		for _, debug := range []string{"0", "1", "2"} {
			path := "/debug/pprof/" + p[1] + "?debug=" + debug
			pages[path] = get(t, admin+path)
		}
	}
	for _, path := range []string{
		"/", "/configuration", "/metrics", "/livez", "/readyz", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/symbol?0x1", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=1",
	} {
		pages["admin "+path] = get(t, admin+path)
	}
	assert.Contains(t, pages["admin /configuration"], "${IN_SET}", "as it is written")
	pages["events of the live page"] = s.events(t)
	arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", s.Process.Pid))
	require.NoError(t, err)
	pages["its arguments"] = string(arguments)
	return pages
}

// events returns what the live page is told of the calls that were made, and the figures.
func (s *service) events(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.AdminAddr+"/events", nil)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var told strings.Builder
	for lines := bufio.NewReader(response.Body); strings.Count(told.String(), "event: apis") < 2; {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		told.WriteString(line)
	}
	for _, part := range []string{"event: calls", `"api":"well"`, `"reason":"condition not met`, `"api":""`} {
		assert.Contains(t, told.String(), part)
	}
	return told.String()
}
