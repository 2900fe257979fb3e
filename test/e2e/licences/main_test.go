package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestALicenceThatIsNotAllowedOrNotKnownIsAProblem(t *testing.T) {
	const known = `{"name":%q,"version":"v1","evidence":{"licenses":[{"license":{"id":%q}}]}}`
	for name, test := range map[string]struct {
		component string
		problems  []string
	}{
		"allowed":                 {fmt.Sprintf(known, "a.org/b", "MIT"), nil},
		"not allowed":             {fmt.Sprintf(known, "a.org/b", "GPL-3.0"), []string{`a.org/b v1: the licence "GPL-3.0" is not allowed`}},
		"nothing found":           {`{"name":"a.org/b","version":"v1"}`, []string{"a.org/b v1: no licence known"}},
		"a name without an id":    {fmt.Sprintf(known, "a.org/b", ""), []string{`a.org/b v1: the licence "" is not allowed`}},
		"read":                    {fmt.Sprintf(known, "golang.org/x/net", "BSD-Source-Code"), nil},
		"read, but changed since": {fmt.Sprintf(known, "golang.org/x/net", "GPL-3.0"), []string{`golang.org/x/net v1: the licence "GPL-3.0" is not allowed`}},
		"read elsewhere":          {fmt.Sprintf(known, "a.org/x/", "BSD-Source-Code"), []string{`a.org/x/ v1: the licence "BSD-Source-Code" is not allowed`}},
		"the standard library":    {`{"name":"std","version":"go1.26"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := check([]byte(`{"components":[` + test.component + `]}`))
			assert.Equal(t, test.problems, problems)
		})
	}
}

func TestABillThatCannotBeReadOrIsEmptyIsAProblem(t *testing.T) {
	for _, document := range []string{"", "[]", "{}", `{"components":[]}`} {
		_, problems := check([]byte(document))
		assert.Len(t, problems, 1, document)
	}
}
