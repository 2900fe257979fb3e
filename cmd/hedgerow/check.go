package main

import (
	"io"

	"hedgerow/internal/config"
	"hedgerow/internal/config/file"
	"hedgerow/internal/http"
)

// check reads the file of APIs as serve does, and says in words what it means. The error has a line for each problem.
func check(settings config.Check, stdout io.Writer) error {
	f, err := readAPIs(settings.File)
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, f.Describe("localhost:5000"))
	return err
}

// readAPIs reads the file of APIs.
func readAPIs(path string) (*file.File, error) {
	return file.Reader{Strategies: http.Strategies()}.Read(path)
}
