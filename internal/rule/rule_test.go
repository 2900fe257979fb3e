package rule_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/rule"
)

func TestByDefaultWhatMayBeGoneAMomentLaterFails(t *testing.T) {
	r := rule.Rule{Status: rule.DefaultStatuses()}
	for status := 200; status < 1000; status++ {
		verdict, err := r.Judge(rule.Answer{Status: status})
		require.NoError(t, err)
		want := rule.Success
		if status == 408 || status == 425 || status == 429 || (status >= 500 && status <= 599 && status != 508) {
			want = rule.WrongStatus
		}
		assert.Equal(t, want, verdict, status)
	}
}

func TestAStatusSetIsCodesAndClasses(t *testing.T) {
	s, err := rule.StatusSet{}.With("404")
	require.NoError(t, err)
	s, err = s.With("2xx")
	require.NoError(t, err)
	for status := -1; status < 2000; status++ {
		assert.Equal(t, status/100 == 2 || status == 404, s.Has(status), status)
	}
	assert.Equal(t, "2xx, 404", s.String())
	for _, status := range []string{"599", "500", "405", "300", "200"} {
		s, err = s.With(status)
		require.NoError(t, err)
	}
	assert.Equal(t, "2xx, 300, 404, 405, 500, 599", s.String())
	five, err := rule.StatusSet{}.With("5xx")
	require.NoError(t, err)
	assert.Equal(t, "5xx", five.String())
	assert.False(t, rule.DefaultStatuses().Has(-1) || rule.DefaultStatuses().Has(1024))
	assert.True(t, rule.DefaultStatuses().Has(0) && rule.DefaultStatuses().Has(1023))
	assert.Equal(t, "all but 408, 425, 429 and 5xx other than 508", rule.DefaultStatuses().String())
	for _, text := range []string{"", "2XX", "1xx", "6xx", "0xx", "99", "100", "199", "600", "+20", "-20", "20", "0404", "599x", "2x", "2yx", "999", "2xxx", "x", "200-299", "２００", "200 "} {
		_, err := s.With(text)
		assert.Error(t, err, text)
	}
}

func TestAConditionSeesStatusHeadersAndBody(t *testing.T) {
	answer := rule.Answer{
		Status: 200,
		Header: http.Header{"X-Cache": {"hit", "miss"}},
		Body:   []byte(`{"status":"ok","n":3,"list":[{"id":1},{"id":2}],"flag":true,"none":null}`),
	}
	for expression, want := range map[string]bool{
		`status == 200`:                             true,
		`status in [201, 204]`:                      false,
		`header("x-cache") == "hit"`:                true,
		`header("X-Nope") == ""`:                    true,
		`json("status") == "ok"`:                    true,
		`json("status") == "error"`:                 false,
		`json("n") == 3`:                            true,
		`json("n") > 3`:                             false,
		`json("list.#") == 2`:                       true,
		`len(json("list")) == 2`:                    true,
		`json("list.1.id") == 2`:                    true,
		`any(json("list"), .id == 2)`:               true,
		`json("flag") == true`:                      true,
		`json("none") == nil`:                       true,
		`json("nope") == nil`:                       true,
		`json("status") matches "^o"`:               true,
		`status < 300 && !(json("n") in [1, 2])`:    true,
		`json("status") startsWith "o"`:             true,
		`lower(header("X-Cache")) contains "h"`:     true,
		`json("nope")?.id == 2 || json("n") == 3.0`: true,
	} {
		verdict, err := judge(t, expression, answer)
		require.NoError(t, err, expression)
		assert.Equal(t, want, verdict == rule.Success, expression)
	}
}

func judge(t testing.TB, expression string, answer rule.Answer) (rule.Verdict, error) {
	t.Helper()
	condition, err := rule.Compile(expression)
	require.NoError(t, err, expression)
	r := rule.Rule{Status: rule.DefaultStatuses(), If: condition}
	return r.Judge(answer)
}

func TestABadConditionIsToldWithItsPlace(t *testing.T) {
	for _, bad := range []struct {
		expression string
		offset     int
		message    string
	}{
		{`json("a") ==`, 11, "unexpected token EOF"},
		{`jsn("a") == 1`, 0, "unknown name jsn"},
		{`status`, 0, "expected bool, but got int"},
		{`json("a")`, 0, `may be anything: compare it, as in json("ok") == true`},
		{`status == "200"`, 7, "invalid operation: == (mismatched types int and string)"},
		{`json(header("X")) == 1`, 5, "json takes a text in quotes"},
		{`json("a", "b") == 1`, 0, "too many arguments to call json"},
		{`header("X") matches header("Y")`, 20, "matches takes a regular expression in quotes"},
		{`header("X") matches "("`, 12, "error parsing regexp: missing closing ): `(`"},
		{`all(json("a"), all(json("b"), true))`, 15, "only one of all, any, none, one and count is allowed with a predicate"},
		{`repeat("x", 1000000) == ""`, 0, "unknown name repeat"},
		{strings.Repeat("(", 5000), 0, "over 4096 bytes long"},
		{strings.Repeat("!", 4000) + "true", 4003, "compilation failed: expression exceeds maximum allowed nodes"},
	} {
		_, err := rule.Compile(bad.expression)
		var syntax *rule.SyntaxError
		require.ErrorAs(t, err, &syntax, bad.expression)
		assert.Equal(t, bad.message, syntax.Message, bad.expression)
		assert.Equal(t, bad.offset, syntax.Offset, bad.expression)
	}
}

func TestAnAnswerWithoutABodyIsNotAskedTheCondition(t *testing.T) {
	verdict, err := judge(t, `json("status") == "ok"`, rule.Answer{Status: 204, NoBody: true})
	require.NoError(t, err)
	assert.Equal(t, rule.Success, verdict)
	verdict, err = judge(t, `json("status") == "ok"`, rule.Answer{Status: 500, NoBody: true})
	require.NoError(t, err)
	assert.Equal(t, rule.WrongStatus, verdict)
}

func TestOnlyArraysAndObjectsInOneAnotherAreDeep(t *testing.T) {
	brackets, deep := strings.Repeat("[", 1001), strings.Repeat("[", 1000)+strings.Repeat("]", 1000)
	for body, isJSON := range map[string]bool{
		deep:                                     true,
		"[" + strings.Repeat("[],", 1001) + "1]": true, // beside one another
		`"` + brackets + `"`:                     true,
		`"\\` + brackets + `\""`:                 true,
		`"\"` + brackets + `"`:                   true,
		`["\\",` + deep + `]`:                    false,
		`["]",` + deep + `]`:                     false,
		`["a",` + deep + `]`:                     false,
		`["` + strings.Repeat("a", 9) + `",1]`:   true,
		`"` + brackets:                           false,
		`"\`:                                     false,
		`{"a":"` + brackets + `","b":"#` + brackets + `"}`: true,
	} {
		verdict, err := judge(t, `json("@this") != nil`, rule.Answer{Status: 200, Body: []byte(body)})
		require.NoError(t, err)
		assert.Equal(t, isJSON, verdict == rule.Success, "%.20s", body)
	}
}

func TestALongTextIsReadAndALongArrayOrObjectIsNot(t *testing.T) {
	long := strings.Repeat("a", 64<<10)
	for body, message := range map[string]string{
		`{"x":"` + long + `"}`:       "",
		`{"x":["` + long[4:] + `"]}`: "",
		`{"x":["` + long[3:] + `"]}`: "is an array or object of over 64 KiB",
		`{"x":{"a":"` + long + `"}}`: "is an array or object of over 64 KiB",
	} {
		verdict, err := judge(t, `json("x") != nil`, rule.Answer{Status: 200, Body: []byte(body)})
		assert.Equal(t, message == "", verdict == rule.Success, "%.20s", body)
		if message != "" {
			require.ErrorContains(t, err, message)
		}
	}
}

func TestABodyThatIsNotJSONIsNil(t *testing.T) {
	deep := func(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }
	for name, body := range map[string]string{
		"empty": "", "text": "ok", "cut": `{"status":"ok"`, "two values": `{"status":"ok"} {}`, "BOM": "\ufeff" + `{"status":"ok"}`,
		"UTF-16": "{\x00\"\x00s\x00", "1,001 levels": deep(1001), "10,000 levels": deep(10_000), "deep and cut": strings.Repeat(`{"a":`, 200_000),
	} {
		verdict, err := judge(t, `json("status") == nil && json("@this") == nil`, rule.Answer{Status: 200, Body: []byte(body)})
		require.NoError(t, err, name)
		assert.Equal(t, rule.Success, verdict, name)
	}
	verdict, err := judge(t, `json("@this") != nil`, rule.Answer{Status: 200, Body: []byte(deep(1000))})
	require.NoError(t, err)
	assert.Equal(t, rule.Success, verdict, "1,000 levels")
	verdict, err = judge(t, `json("s") == "[[[\"{"`, rule.Answer{Status: 200, Body: []byte(`{"s":"[[[\"{","t":"\\"}`)})
	require.NoError(t, err)
	assert.Equal(t, rule.Success, verdict, "brackets in a string do not nest")
}

func TestAConditionThatCannotBeEvaluatedIsNotMetAndSaysWhy(t *testing.T) {
	for expression, want := range map[string]string{
		`json("n") > 3`:              "invalid operation: string > int",
		`len(json("n.x")) > 0`:       "invalid argument for len (type <nil>)",
		`len(json("list")) > 0`:      `json("list") is an array or object of over 64 KiB: choose a part of it by its path, such as its length by "list.#"`,
		`len(1..(status*1000)) == 0`: "memory budget exceeded",
	} {
		body := `{"n":"three","list":[1` + strings.Repeat(",1", 40_000) + `]}`
		verdict, err := judge(t, expression, rule.Answer{Status: 200, Body: []byte(body)})
		require.EqualError(t, err, want, expression)
		assert.Equal(t, rule.ConditionNotMet, verdict, expression)
	}
}

func TestAnEvaluationLeavesNothingForTheNext(t *testing.T) {
	condition, err := rule.Compile(`json("ok") == true && header("X") == "1"`)
	require.NoError(t, err)
	r := rule.Rule{Status: rule.DefaultStatuses(), If: condition}
	for i := range 100 {
		answer := rule.Answer{Status: 200, Body: []byte("not JSON")}
		want := rule.ConditionNotMet
		if i%2 == 0 {
			answer, want = rule.Answer{Status: 200, Body: []byte(`{"ok":true}`), Header: http.Header{"X": {"1"}}}, rule.Success
		}
		verdict, err := r.Judge(answer)
		require.NoError(t, err)
		assert.Equal(t, want, verdict)
	}
}

func TestAConditionMayBeAskedByManyAtOnce(t *testing.T) {
	condition, err := rule.Compile(`json("n") == status && header("X") == ""`)
	require.NoError(t, err)
	r := rule.Rule{Status: rule.DefaultStatuses(), If: condition}
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for i := range 200 {
				status := 200 + (worker+i)%100
				verdict, err := r.Judge(rule.Answer{Status: status, Body: fmt.Appendf(nil, `{"n":%d}`, status)})
				assert.True(t, err == nil && verdict == rule.Success, "%v %v", verdict, err)
			}
		})
	}
	group.Wait()
}

func TestTenMebibytesTakeBoundedTime(t *testing.T) {
	body := []byte(`{"list":[1` + strings.Repeat(",1", 5<<20) + `]}`)
	start := time.Now()
	verdict, err := judge(t, `json("list.#") > 5 && json("nope") == nil && json("list.#(==2)") == nil`, rule.Answer{Status: 200, Body: body})
	require.NoError(t, err)
	assert.Equal(t, rule.Success, verdict)
	assert.Less(t, time.Since(start), 20*time.Second, "what is quadratic takes hours")
}

// BenchmarkCondition is P16: 1 KiB, at most 5 µs and 12 allocations.
func BenchmarkCondition(b *testing.B) {
	condition, err := rule.Compile(`status == 200 && json("status") == "ok" && header("X-Cache") != "stale"`)
	require.NoError(b, err)
	r := rule.Rule{Status: rule.DefaultStatuses(), If: condition}
	var members strings.Builder
	for i := range 48 {
		fmt.Fprintf(&members, `"member%02d":"value",`, i)
	}
	body := []byte(`{` + members.String() + `"status":"ok"}`)
	answer := rule.Answer{Status: 200, Header: http.Header{"X-Cache": {"hit"}}, Body: body}
	b.ReportAllocs()
	for b.Loop() {
		if verdict, err := r.Judge(answer); verdict != rule.Success || err != nil {
			b.Fatal(verdict, err)
		}
	}
}
