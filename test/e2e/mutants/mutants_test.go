// Package mutants tests the tests: it makes a small change of the code at every place where it can, and some test has to notice each.
// The changes are made on the syntax tree, so they follow the code wherever it goes. Those that no test can notice are in accepted.go.
package mutants

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hedgerow/test/e2e/harness"
)

//go:embed runtime.go.txt
var support string

// inPieces are how many test binaries run at a time.
const inPieces = 2

// suite is the tests of a package, compiled with all of its mutants.
type suite struct {
	name    string // of the package in internal/
	binary  string
	mutants []mutant
	tests   []reaching // the quickest first
}

// reaching is a test, and the mutants whose place it comes by.
type reaching struct {
	test    string
	took    time.Duration
	mutants map[int]bool
}

func TestEveryMutantIsNoticed(t *testing.T) {
	for name, target := range mutated {
		t.Run(name, func(t *testing.T) {
			s := compile(t, name, target.functions)
			for _, function := range target.functions {
				require.True(t, slices.ContainsFunc(s.mutants, func(m mutant) bool { return m.function == function }), "nothing of %s is changed: has it another name?", function)
			}
			s.record(t, target.tests)
			unnoticed := s.survivors(t)
			left := map[key]int{}
			for _, m := range unnoticed {
				k := key{name, m.function, m.operator}
				left[k]++
				if left[k] > accepted[k].number {
					t.Errorf("%s:%d: no test notices when %s in %s", filepath.Base(m.position.Filename), m.position.Line, m.operator, m.function)
				}
			}
			for k, a := range accepted {
				if k.pkg == name && left[k] < a.number {
					t.Logf("%d of %d are noticed by now, strike them off the list: %v", a.number-left[k], a.number, k)
				}
			}
		})
	}
}

// compile builds the tests of a package with the mutants of these functions, or of all when there are none. All of them are asleep.
func compile(t *testing.T, name string, functions []string) *suite {
	t.Helper()
	p, err := instrument(harness.Root(), name, functions)
	require.NoError(t, err)
	folder := t.TempDir()
	replace := map[string]string{}
	write := func(original, text string) {
		file := filepath.Join(folder, filepath.Base(original))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		replace[original] = file
	}
	for original, source := range p.sources {
		write(original, string(source))
	}
	write(filepath.Join(p.folder, "zz_mutated.go"), strings.Replace(support, "PACKAGE", p.name, 1))
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o600))
	s := &suite{name: name, binary: filepath.Join(folder, "tests"), mutants: p.mutants}
	command := exec.Command("go", "test", "-c", "-vet=off", "-overlay", filepath.Join(folder, "overlay.json"), "-o", s.binary, "./internal/"+name)
	command.Dir = harness.Root()
	output, err := command.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return s
}

// record runs these tests, each by itself, without a mutant: all have to pass. It notes which mutants each comes by.
func (s *suite) record(t *testing.T, tests string) {
	t.Helper()
	output, err := s.run(time.Minute, nil, "-test.list="+cmp.Or(tests, "."))
	require.NoError(t, err, output)
	var names []string
	for name := range strings.FieldsSeq(output) {
		if strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
			names = append(names, name)
		}
	}
	require.NotEmpty(t, names)
	var mu sync.Mutex
	atATime(names, func(name string) {
		file := filepath.Join(t.TempDir(), name)
		began := time.Now()
		output, err := s.run(time.Minute, []string{"HEDGEROW_MUTANTS_REACHED=" + file}, "-test.run=^"+name+"$")
		took := time.Since(began)
		if err != nil {
			t.Errorf("%s fails without a mutant:\n%s", name, output)
			return
		}
		reached, _ := os.ReadFile(file) // there is none when it comes by no mutant
		r := reaching{name, took, map[int]bool{}}
		for line := range strings.FieldsSeq(string(reached)) {
			number, err := strconv.Atoi(line)
			if err != nil {
				t.Error(err)
			}
			r.mutants[number] = true
		}
		mu.Lock()
		defer mu.Unlock()
		s.tests = append(s.tests, r)
	})
	require.False(t, t.Failed())
	slices.SortFunc(s.tests, func(a, b reaching) int { return int(a.took - b.took) })
}

// survivors returns the mutants that no test notices.
func (s *suite) survivors(t *testing.T) []mutant {
	t.Helper()
	var mu sync.Mutex
	var found []mutant
	began := time.Now()
	atATime(s.mutants, func(m mutant) {
		if s.notices(m) {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		found = append(found, m)
	})
	t.Logf("%d mutants in %v, %d not noticed", len(s.mutants), time.Since(began).Round(time.Second), len(found))
	slices.SortFunc(found, func(a, b mutant) int { return a.number - b.number })
	return found
}

// notices tells whether a test fails with a mutant. The quick ones are asked first. One that hangs has noticed.
func (s *suite) notices(m mutant) bool {
	var quick, slow []string
	patience := 5 * time.Second
	for _, r := range s.tests {
		if !r.mutants[m.number] {
			continue
		}
		patience += 3 * r.took
		if r.took < 300*time.Millisecond {
			quick = append(quick, r.test)
		} else {
			slow = append(slow, r.test)
		}
	}
	for _, tests := range [][]string{quick, slow} {
		if len(tests) == 0 {
			continue
		}
		_, err := s.run(patience, []string{"HEDGEROW_MUTANT=" + strconv.Itoa(m.number)}, "-test.failfast", "-test.run=^("+strings.Join(tests, "|")+")$")
		if err != nil {
			return true
		}
	}
	return false
}

func (s *suite) run(limit time.Duration, environment []string, arguments ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	// No mutant may take all of the memory of the machine.
	command := exec.CommandContext(ctx, "prlimit", append([]string{"--as=8589934592", s.binary}, arguments...)...)
	command.Dir = filepath.Join(harness.Root(), "internal", s.name)
	command.Env = append(os.Environ(), environment...)
	output, err := command.CombinedOutput()
	if err != nil {
		err = errors.Join(err, ctx.Err())
	}
	return string(output), err
}

// atATime does something for each of many, some at a time.
func atATime[T any](all []T, do func(T)) {
	next := make(chan T)
	var workers sync.WaitGroup
	for range inPieces {
		workers.Go(func() {
			for one := range next {
				do(one)
			}
		})
	}
	for _, one := range all {
		next <- one
	}
	close(next)
	workers.Wait()
}
