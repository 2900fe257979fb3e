package file_test

import (
	"flag"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write testdata/described.txt again")

func TestDescribeSaysInWordsWhatTheFileMeans(t *testing.T) {
	const golden = "testdata/described.txt"
	described := good(t).Describe("localhost:5000")
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(described), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), described)
}

func TestACredentialThatGoesToSeveralHostsIsWarnedOf(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
defaults: {set: {Authorization: "Bearer ${TOKEN}", X-Plain: shared}}
apis:
  one: {url: "http://one"}
  two: {url: "http://two/${NUM}", set: {X-Key: "${NUM}"}}
  three: {urls: ["http://three", "http://three/b"], forward: {headers: [Cookie]}}
  four: {urls: ["http://four:1", "http://four:2"], set: {}, routes: {/x: {forward: {headers: [authorization, X-Other]}}}}
`))
	require.NoError(t, err)
	assert.Equal(t, []string{
		"the caller's Authorization goes to 2 hosts by four: four:1 and four:2",
		"the same Authorization of set goes to 2 hosts: one and three",
	}, read.Warnings())
}

func TestAVariableWithoutItsBracesIsWarnedOf(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
apis:
  a: {url: "http://one", set: {X-Key: "Bearer $TOKEN", X-Full: "${TOKEN}", X-Literal: "$${TOKEN}", X-Price: "$5 and US$"}}
`))
	require.NoError(t, err)
	assert.Equal(t, []string{"the X-Key of set goes to a with a $ and a name in it as they are: ${NAME} is filled in"}, read.Warnings())
}

func TestTheCurlLineOfAnExampleCanBePastedIntoAShell(t *testing.T) {
	for text, want := range map[string]string{ //nolint:gosec // ${TOKEN} is no token
		`example: /latest?base=EUR&x=1`:          `curl 'localhost:5000/proxy/a/latest?base=EUR&x=1'`,
		`example: "/it's"`:                       `curl 'localhost:5000/proxy/a/it'\''s'`,
		`example: "/x?a[]={1}"`:                  `curl -g 'localhost:5000/proxy/a/x?a[]={1}'`,
		`example: "/x?key=${TOKEN}"`:             `curl "localhost:5000/proxy/a/x?key=${TOKEN}"`,
		`example: /x, methods: [HEAD]`:           `curl -I 'localhost:5000/proxy/a/x'`,
		`example: /x, methods: [POST, DELETE]`:   `curl -X POST 'localhost:5000/proxy/a/x'`,
		`example: /x, methods: [DELETE, "PU$H"]`: `curl -X DELETE 'localhost:5000/proxy/a/x'`,
	} {
		read, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", `+text+`}}`))
		require.NoError(t, err, text)
		assert.Contains(t, read.Describe("localhost:5000"), want+"\n", text)
	}
}

func TestWhatBecomesOfOPTIONSIsSaid(t *testing.T) {
	for methods, want := range map[string]string{
		"[GET]": "GET; others get 405, OPTIONS 204\n", "[GET, OPTIONS]": "GET and OPTIONS; others get 405\n",
	} {
		read, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", methods: `+methods+`}}`))
		require.NoError(t, err)
		assert.Contains(t, read.Describe("localhost:5000"), want)
	}
}
