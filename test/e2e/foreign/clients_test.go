package foreign

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// python is Debian's, which has Debian's packages.
const python = "/usr/bin/python3"

// client makes the steps below at a base URL. It returns a line for each: its name, the status, the Content-Type, the
// Content-Encoding or "none", and the hash of the body out of gzip.
type client func(t *testing.T, f files, base string) []string

// steps is what every client does, and what has to come of it; the Content-Type is left out.
func steps(f files) []string {
	line := func(step, status string, body []byte) string {
		return fmt.Sprintf("%s %s none %x", step, status, sha256.Sum256(body))
	}
	return []string{
		fmt.Sprintf("gzip 200 gzip %x", sha256.Sum256(f.text)),
		line("identity", "200", f.text),
		line("large", "200", f.large),
		line("head", "200", nil),
		line("missing", "404", nil),
		line("post", "200", f.large),
		line("chunked", "200", f.large),
	}
}

// assertSteps checks lines of a client.
func assertSteps(t *testing.T, f files, lines []string) {
	t.Helper()
	var got []string
	for _, line := range lines {
		words := strings.Fields(line)
		require.GreaterOrEqual(t, len(words), 4, line)
		coding, hash := words[len(words)-2], words[len(words)-1]
		if words[0] == "missing" {
			coding, hash = "none", fmt.Sprintf("%x", sha256.Sum256(nil)) // each server has its own words for it
		}
		got = append(got, strings.Join([]string{words[0], words[1], coding, hash}, " "))
	}
	assert.Equal(t, steps(f), got)
}

var clients = map[string]client{
	"curl":                 curl,
	"Go's net/http":        goClient,
	"Node's http":          script("node", "testdata/client.mjs", "http"),
	"Node's fetch":         script("node", "testdata/client.mjs", "fetch"),
	"Python's http.client": script(python, "testdata/client.py", "http.client"),
	"Python's requests":    script(python, "testdata/client.py", "requests"),
	"Python's urllib":      script(python, "testdata/client.py", "urllib"),
}

// script runs a client that prints its lines.
func script(command ...string) client {
	return func(t *testing.T, f files, base string) []string {
		t.Helper()
		program := exec.Command(command[0], append(command[1:], base, f.path("large.bin"))...)
		var errors bytes.Buffer
		program.Stderr = &errors
		output, err := program.Output()
		require.NoError(t, err, errors.String())
		return strings.Split(strings.TrimSpace(string(output)), "\n")
	}
}

// curl makes all steps by one command.
func curl(t *testing.T, f files, base string) []string {
	t.Helper()
	large := "@" + f.path("large.bin")
	folder := t.TempDir()
	var arguments, names []string
	step := func(name, path string, options ...string) {
		if len(names) > 0 {
			arguments = append(arguments, "--next")
		}
		names = append(names, name)
		arguments = append(arguments, "--silent", "--show-error", "--output", folder+"/"+name, "--write-out", name+` %{http_code} %{content_type} coding:%header{content-encoding}\n`)
		arguments = append(append(arguments, options...), base+path)
	}
	step("gzip", "/text.txt", "--compressed")
	step("identity", "/text.txt", "--http2") // which asks for another protocol, and has to do without it
	step("large", "/large.bin")
	step("head", "/large.bin", "--head")
	step("missing", "/missing")
	step("post", "/echo", "--data-binary", large) // it waits for a 100 before it sends so much
	step("chunked", "/echo", "--data-binary", large, "--header", "Transfer-Encoding: chunked")
	program := exec.Command("curl", arguments...)
	var errors bytes.Buffer
	program.Stderr = &errors
	output, err := program.Output()
	require.NoError(t, err, errors.String())
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	require.Len(t, lines, len(names))
	for i, name := range names {
		var body []byte
		if name != "head" { // curl writes the fields there
			body, err = os.ReadFile(folder + "/" + name)
			require.NoError(t, err)
		}
		head, coding, _ := strings.Cut(lines[i], "coding:")
		lines[i] = fmt.Sprintf("%s%s %x", head, cmp.Or(coding, "none"), sha256.Sum256(body))
	}
	return lines
}

func goClient(t *testing.T, f files, base string) []string {
	t.Helper()
	c := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer c.CloseIdleConnections()
	var lines []string
	step := func(name, method, path, coding string, body io.Reader) {
		request, err := http.NewRequestWithContext(t.Context(), method, base+path, body)
		require.NoError(t, err)
		if coding != "" {
			request.Header.Set("Accept-Encoding", coding)
		}
		response, err := c.Do(request)
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		got, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		if response.Header.Get("Content-Encoding") == "gzip" {
			reader, err := gzip.NewReader(bytes.NewReader(got))
			require.NoError(t, err)
			got, err = io.ReadAll(reader)
			require.NoError(t, err)
		}
		lines = append(lines, fmt.Sprintf("%s %d %s %s %x", name, response.StatusCode, response.Header.Get("Content-Type"),
			cmp.Or(response.Header.Get("Content-Encoding"), "none"), sha256.Sum256(got)))
	}
	step("gzip", "GET", "/text.txt", "gzip", nil)
	step("identity", "GET", "/text.txt", "identity", nil)
	step("large", "GET", "/large.bin", "", nil)
	step("head", "HEAD", "/large.bin", "", nil)
	step("missing", "GET", "/missing", "", nil)
	step("post", "POST", "/echo", "", bytes.NewReader(f.large))
	step("chunked", "POST", "/echo", "", struct{ io.Reader }{bytes.NewReader(f.large)})
	return lines
}
