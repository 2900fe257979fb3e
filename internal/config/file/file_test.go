package file_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
	"hedgerow/internal/forward"
	"hedgerow/internal/hedge"
	"hedgerow/internal/quota"
	"hedgerow/internal/rule"
)

// good reads testdata/apis.yaml, with files for it.
func good(t testing.TB) *file.File {
	t.Helper()
	read, err := goodReader(t).Read("testdata/apis.yaml")
	require.NoError(t, err)
	return read
}

func goodReader(t testing.TB) file.Reader {
	t.Helper()
	certificate, key := certificate(t)
	files := map[string][]byte{
		"testdata/ca.pem": certificate, "testdata/c.pem": certificate, "/keys/k.pem": key, "testdata/mirror.key": []byte("m1rror\n"),
	}
	variables := map[string]string{"RATES_TOKEN": "hunter2", "KEY": "s3same"}
	return file.Reader{
		LookupEnv: func(name string) (string, bool) { value, set := variables[name]; return value, set },
		ReadFile: func(path string) ([]byte, error) {
			if data, ok := files[path]; ok {
				return data, nil
			}
			if strings.HasPrefix(path, "testdata/") {
				return os.ReadFile(path) //nolint:gosec // the test's own
			}
			return nil, fs.ErrNotExist
		},
	}
}

func certificate(t testing.TB) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	require.NoError(t, err)
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

func TestEverythingThatTheFileCanSayIsRead(t *testing.T) {
	read := good(t)
	require.Len(t, read.APIs, 3)
	rates := read.APIs[0]
	assert.Equal(t, "rates", rates.Name)
	require.Len(t, rates.URLs, 1)
	assert.Equal(t, "https://api.example.org/v1", rates.URLs[0].Parsed().String())
	assert.True(t, rates.Spread)
	require.Len(t, rates.Set, 1)
	assert.Equal(t, "X-Token", rates.Set[0].Name)
	assert.Equal(t, "Bearer hunter2", rates.Set[0].Value.Value())
	assert.Equal(t, file.HTTP1, rates.Protocol)
	assert.Equal(t, 500, rates.MaxInFlight)
	assert.Equal(t, quota.Rate{Requests: 600, Per: time.Minute}, rates.Quota)
	assert.Equal(t, "/latest?base=EUR", rates.Example.Value())
	require.NotNil(t, rates.TLS)
	assert.NotNil(t, rates.TLS.Roots)
	assert.NotNil(t, rates.TLS.Certificate)

	success := rates.Success
	assert.Equal(t, "2xx, 404", success.Status.String())
	assert.Equal(t, `json("status") == "ok"`, success.IfText.String())
	verdict, err := success.Judge(rule.Answer{Status: 200, Body: []byte(`{"status":"error"}`)})
	require.NoError(t, err)
	assert.Equal(t, rule.ConditionNotMet, verdict)

	hedges := file.Hedge{
		Settings: hedge.Settings{When: hedge.When{Quantile: 995}, Min: 20 * time.Millisecond, Max: 300 * time.Millisecond}, Budget: 0.025,
	}
	want := file.Settings{
		Timeout: time.Second, MaxTimeout: 10 * time.Second, Strategy: "first", Attempts: 5, Hedge: hedges,
		Methods: []string{"GET", "HEAD", "DELETE"}, Repeatable: true, IdempotencyKey: true,
		Forward: file.Forward{Headers: []string{"Accept", "Authorization"}}, Remove: []string{"Server"}, Keep: []string{"Set-Cookie"},
		Success: success, MaxRequestBody: 64 << 10, MaxBody: 512,
	}
	assert.Equal(t, want, rates.Settings)

	require.Len(t, rates.Routes, 2)
	search, pay := want, want
	search.Timeout, search.Attempts, search.Hedge.When, search.Hedge.Budget = 3*time.Second, 1, hedge.When{}, 0
	assert.Equal(t, file.Route{Pattern: "GET /search/", Settings: search}, rates.Routes[0])
	pay.Repeatable, pay.Methods, pay.Forward.Headers = false, []string{"POST"}, []string{}
	pay.Success.Status, err = rule.StatusSet{}.With("201")
	require.NoError(t, err)
	assert.Equal(t, file.Route{Pattern: "POST /orders/{id}/pay", Settings: pay}, rates.Routes[1], "if stays when only status is changed")

	mirrors := read.APIs[1]
	require.Len(t, mirrors.URLs, 2)
	assert.Equal(t, "https://b.example.org/m1rror/", mirrors.URLs[1].Parsed().String())
	assert.Equal(t, "https://b.example.org/${file:mirror.key}/", mirrors.URLs[1].String())
}

func TestDefaultsAreThoseOfTheManual(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte("apis: {a: {url: 'http://h'}}"))
	require.NoError(t, err)
	assert.Equal(t, file.Settings{
		Timeout: time.Second, MaxTimeout: time.Minute, Strategy: "smart", Attempts: 3, Hedge: file.Hedge{Settings: hedge.Settings{When: hedge.When{Quantile: 950}}, Budget: 0.1},
		Methods: []string{"GET", "HEAD"}, Success: file.Success{Rule: rule.Rule{Status: rule.DefaultStatuses()}},
		MaxRequestBody: 1 << 20, MaxBody: 8 << 20,
	}, read.APIs[0].Settings)
	assert.Equal(t, file.Auto, read.APIs[0].Protocol)
}

func TestADefaultGivesWayToWhatIsWritten(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
apis:
  long: {url: "http://h", timeout: 90s, routes: {/x: {timeout: 2s}, /y: {max_timeout: 95s}}}
  short: {url: "http://h", max_timeout: 500ms}
  narrow: {url: "http://h", max_in_flight: 2}
  both: {url: "http://h", timeout: 3s, max_timeout: 3s, attempts: 4, max_in_flight: 4}
defaults: {methods: [GET]}
`))
	require.NoError(t, err)
	times := func(s file.Settings) [2]time.Duration { return [2]time.Duration{s.Timeout, s.MaxTimeout} }
	long := read.APIs[0]
	assert.Equal(t, [2]time.Duration{90 * time.Second, 90 * time.Second}, times(long.Settings))
	assert.Equal(t, [2]time.Duration{2 * time.Second, time.Minute}, times(long.Routes[0].Settings))
	assert.Equal(t, [2]time.Duration{90 * time.Second, 95 * time.Second}, times(long.Routes[1].Settings))
	assert.Equal(t, [2]time.Duration{500 * time.Millisecond, 500 * time.Millisecond}, times(read.APIs[1].Settings))
	assert.Equal(t, 2, read.APIs[2].Attempts)
	assert.Equal(t, [2]time.Duration{3 * time.Second, 3 * time.Second}, times(read.APIs[3].Settings))
	assert.Equal(t, []string{"GET"}, long.Methods, "defaults hold wherever they stand")
}

func TestEachLevelReplacesListsAndOverlaysMaps(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte(`
defaults:
  set: {A: "1", B: "2"}
  remove: [Server, Age]
  success: {status: [200], if: status == 200}
apis:
  a:
    url: http://h
    set: {C: "3"}
    remove: []
    success: {status: [2xx]}
    routes:
      /x: {remove: [Date], success: {if: status != 204}}
  b: {url: "http://h"}
`))
	require.NoError(t, err)
	a, b := read.APIs[0], read.APIs[1]
	require.Len(t, a.Set, 1)
	assert.Equal(t, "C", a.Set[0].Name)
	assert.Len(t, b.Set, 2)
	assert.Empty(t, a.Remove)
	assert.Equal(t, []string{"Server", "Age"}, b.Remove)
	assert.Equal(t, []string{"Date"}, a.Routes[0].Remove)
	for _, got := range []struct {
		file.Success

		status, condition string
	}{
		{a.Success, "2xx", "status == 200"},
		{b.Success, "200", "status == 200"},
		{a.Routes[0].Success, "2xx", "status != 204"},
	} {
		assert.Equal(t, got.status, got.Status.String())
		assert.Equal(t, got.condition, got.IfText.String())
	}
}

func TestAFifthStrategyIsOneOfTheReaders(t *testing.T) {
	r := reader()
	r.Strategies = []string{"random", "smart"}
	read, err := r.Parse("apis.yaml", []byte("apis: {a: {url: 'http://h'}, b: {url: 'http://h', strategy: smart}}"))
	require.NoError(t, err)
	assert.Equal(t, "random", read.APIs[0].Strategy)
	assert.Equal(t, "smart", read.APIs[1].Strategy)
	_, err = r.Parse("apis.yaml", []byte("apis: {a: {url: 'http://h', strategy: all}}"))
	assert.EqualError(t, err, `apis.yaml:1:39: strategy: "all" is not known: expected random or smart`)
}

func TestAFileMayHaveABOMAndWindowsLineEnds(t *testing.T) {
	read, err := reader().Parse("apis.yaml", []byte("\ufeffapis:\r\n  a:\r\n    url: http://h\r\n"))
	require.NoError(t, err)
	assert.Equal(t, "a", read.APIs[0].Name)
	_, err = reader().Parse("apis.yaml", []byte("\ufeffapi:\r\n  a:\r\n    url: http://h\r\n"))
	assert.ErrorContains(t, err, `apis.yaml:1:1: unknown key "api"`)
}

func TestOnlyWhatIsNamedGoesOn(t *testing.T) {
	always := forward.Usual()
	onRequest := []string{"X-Other", "Accept-Charset", "Origin"}
	byName := []string{"Authorization", "Cookie", "Proxy-Authorization", "User-Agent"}
	never := []string{
		"Forwarded", "X-Forwarded-For", "X-Forwarded-Whatever", "Connection", "Upgrade", "Te", "Transfer-Encoding", "Host", "Via",
		"Hedgerow-Timeout", "Hedgerow-Strategy", "Content-Length",
	}
	for _, c := range []struct {
		headers []string
		goes    [][]string
		stays   [][]string
	}{
		{nil, [][]string{always}, [][]string{onRequest, byName, never}},
		{[]string{"*"}, [][]string{always, onRequest}, [][]string{byName, never}},
		{byName, [][]string{always, byName}, [][]string{onRequest, never}},
		{append([]string{"*"}, append(byName, never...)...), [][]string{always, onRequest, byName}, [][]string{never}},
	} {
		f := file.Forward{Headers: c.headers}
		for _, names := range c.goes {
			for _, name := range names {
				assert.True(t, f.Goes(name), "%s with %v", name, c.headers)
			}
		}
		for _, names := range c.stays {
			for _, name := range names {
				assert.False(t, f.Goes(name), "%s with %v", name, c.headers)
			}
		}
	}
}

func TestAnExampleIsWhatTheProxyTakes(t *testing.T) {
	for _, target := range []string{
		"/", "/a/b", "/a//b", "/a/%2F", "/%252e%252e", "/[a]|b", "/a;b=1,2", "/~a.b-c_d!$&'()*+,=:@", "/a?", "/a?a=1;b=2", "/a?a=%zz", "/a?f[a]={x|y}^`<>", "/...",
	} {
		read, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", example: "`+target+`"}}`))
		require.NoError(t, err, target)
		assert.Equal(t, target, read.APIs[0].Example.Value())
	}
	for _, target := range []string{
		"", "a", "?a", "http://h/", "/..", "/a/../b", "/%2e%2E/b", "/a%2f..%2fb", "/..;x/b", "/.", "/a%5cb", "/%00", "/%7f", "/%zz", "/a b", "/a#b", "/a?b#c", "/é", "/a^b",
		"/a{b}", "/a?é", "/<b>",
	} {
		_, err := reader().Parse("apis.yaml", []byte(`apis: {a: {url: "http://h", example: "`+target+`"}}`))
		assert.ErrorContains(t, err, "is not a path", target)
	}
}

func TestCertificatesThatDoNotFitAreTold(t *testing.T) {
	r := goodReader(t)
	certificates := r.ReadFile
	r.ReadFile = func(path string) ([]byte, error) {
		switch path {
		case "testdata/text":
			return []byte("no PEM"), nil
		case "testdata/empty":
			return nil, nil
		}
		return certificates(path)
	}
	for tls, want := range map[string]string{
		"{ca: text}":                         `:1:44: ca: "text" has no certificate in it: expected one in PEM`,
		"{ca: empty}":                        `:1:44: ca: "empty" cannot be read: it is empty`,
		"{ca: nope}":                         `:1:44: ca: "nope" cannot be read: no such file or directory`,
		"{cert: c.pem}":                      `:1:39: tls: has one of cert and key: expected both or neither`,
		"{key: /keys/k.pem}":                 `:1:39: tls: has one of cert and key: expected both or neither`,
		"{cert: c.pem, key: text}":           `:1:46: cert: "c.pem" and its key do not fit together: expected a certificate and its key in PEM`,
		"{cert: /keys/k.pem, key: c.pem}":    `:1:46: cert: "/keys/k.pem" and its key do not fit together: expected a certificate and its key in PEM`,
		"{cert: c.pem, key: '${NOPE}'}":      `:1:58: key: ${NOPE} is not set: expected a variable of that name in the environment`,
		"{cert: c.pem, key: [/keys/k.pem]}":  `:1:58: key: is a list: expected a path like ca.pem`,
		"{ca: c.pem, cert: c.pem, kee: '1'}": `:1:64: unknown key "kee": did you mean "key"?`,
	} {
		_, err := r.Parse("testdata/apis.yaml", []byte("apis: {a: {url: 'https://h/123', tls: "+tls+"}}"))
		assert.EqualError(t, err, "testdata/apis.yaml"+want, tls)
	}
}

func TestAPIsAreEqualWhenTheySayTheSame(t *testing.T) {
	r := goodReader(t)
	one, err := r.Read("testdata/apis.yaml")
	require.NoError(t, err)
	again, err := r.Read("testdata/apis.yaml")
	require.NoError(t, err)
	for i := range one.APIs {
		assert.True(t, one.APIs[i].Equal(&again.APIs[i]), one.APIs[i].Name)
	}
	lookup := r.LookupEnv
	r.LookupEnv = func(name string) (string, bool) {
		value, set := lookup(name)
		return strings.ReplaceAll(value, "hunter2", "hunter3"), set
	}
	rotated, err := r.Read("testdata/apis.yaml")
	require.NoError(t, err)
	assert.False(t, one.APIs[0].Equal(&rotated.APIs[0]), "another secret")
	assert.True(t, one.APIs[2].Equal(&rotated.APIs[2]), "no secret")
	renewed := good(t)
	assert.False(t, one.APIs[0].Equal(&renewed.APIs[0]), "another certificate")
	assert.True(t, one.APIs[1].Equal(&renewed.APIs[1]), "no certificate")
	changed := again.APIs[0]
	changed.Routes[0].Attempts++
	assert.False(t, one.APIs[0].Equal(&changed), "another route")
}
