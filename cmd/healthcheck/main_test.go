package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheServiceIsAskedWhereItsSettingsSayThatItAnswersProbes(t *testing.T) {
	for _, test := range []struct{ admin, addr, want string }{
		{"unset", ":80", "127.0.0.1:5001"},
		{"0.0.0.0:6001", ":80", "0.0.0.0:6001"},
		{"", ":80", ":80"},
		{"", "", ":5000"},
	} {
		t.Setenv("HEDGEROW_ADDR", test.addr)
		t.Setenv("HEDGEROW_ADMIN_ADDR", test.admin)
		if test.admin == "unset" {
			require.NoError(t, os.Unsetenv("HEDGEROW_ADMIN_ADDR"))
		}
		assert.Equal(t, test.want, address(), test)
	}
}
