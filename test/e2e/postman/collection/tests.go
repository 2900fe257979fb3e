package main

import (
	"fmt"
	"strconv"
	"strings"
)

// These are the checks of a success's body.
const (
	oneTime = "pm.expect(pm.response.json().time).to.be.at.least(0);"
	none    = "pm.expect(pm.response.json()).to.eql([]);"
)

func someOf(atLeast int) string {
	return fmt.Sprintf("pm.expect(pm.response.json()).to.be.an('array').with.lengthOf.within(%d, 3);", atLeast)
}

// test is a test with one statement.
func test(name, statement string) string {
	return "pm.test('" + name + "', () => {\n    " + statement + "\n});\n"
}

// status is a script that wants a status and has a test of its own.
func status(code int, name, statement string) []string {
	return lines(test(fmt.Sprintf("the status is %d", code), fmt.Sprintf("pm.response.to.have.status(%d);", code)) + test(name, statement))
}

func ok(name, statement string) []string { return status(200, name, statement) }

// success is ok for a call that the upstream API can make fail by chance.
func success(name, statement string) []string { return successUnless(502, name, statement) }

// passedOn is success for an API of the file: when all attempts fail, the testing server's own error is passed on.
func passedOn(name, statement string) []string { return successUnless(500, name, statement) }

func successUnless(failed int, name, statement string) []string {
	indented := strings.ReplaceAll(strings.TrimSpace(test(name, statement)), "\n", "\n    ")
	return script("success", "__FAILED__", strconv.Itoa(failed), "__TESTS__", indented)
}
