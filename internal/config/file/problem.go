package file

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxShown is how many problems are told one by one.
const maxShown = 50

// Problem is one thing that is wrong with the file.
type Problem struct {
	Line, Column int // from 1, in characters; 0: of the file as a whole
	Text         string
}

// Problems are all things that are wrong with the file, in its order.
type Problems struct {
	File string
	List []Problem
}

// Error has a line for each of the first 50 problems, FILE:LINE:COLUMN: what is wrong, and one with the count of the rest.
func (p *Problems) Error() string {
	var lines []string
	for i, problem := range p.List {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("%s: %d more problems", p.File, len(p.List)-maxShown))
			break
		}
		place := p.File
		if problem.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", p.File, problem.Line, problem.Column)
		}
		lines = append(lines, printable(place+": "+problem.Text))
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) addf(at position, format string, args ...any) {
	p.List = append(p.List, Problem{at.line, at.column, fmt.Sprintf(format, args...)})
}

// err is the problems in the order of the file, or nil when there are none.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return p
}

// position is a place in the file, from 1, in characters.
type position struct{ line, column int }

func (at position) String() string { return fmt.Sprintf("%d:%d", at.line, at.column) }

// printable makes one line of a text that may have anything of the file in it.
func printable(text string) string {
	return strings.Map(func(char rune) rune {
		if unicode.IsPrint(char) {
			return char
		}
		return unicode.ReplacementChar
	}, text)
}

// quote shows a text of the file, its beginning when it is long.
func quote(text string) string {
	const longest = 80
	runes := []rune(text)
	if len(runes) > longest {
		return strconv.Quote(string(runes[:longest])) + "..."
	}
	return strconv.Quote(text)
}

// expectedKey says which keys there are, or which one was probably meant.
func expectedKey(key string, known []string) string {
	best, distance := "", 3
	for _, candidate := range known {
		if d := editDistance(strings.ToLower(key), candidate); d < distance && d < len(candidate)/2+1 {
			best, distance = candidate, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return "expected " + oneOf(known)
}

// oneOf lists words: "a", "a or b", "one of a, b and c".
func oneOf(words []string) string {
	switch n := len(words); n {
	case 1:
		return words[0]
	case 2:
		return words[0] + " or " + words[1]
	default:
		return "one of " + allOf(words)
	}
}

// allOf lists words: "a, b and c".
func allOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// editDistance is how many characters must be added, removed, changed or swapped with the next to make b of a. Far apart is 100.
func editDistance(a, b string) int {
	if len(a) > 2*len(b) || len(b) > 2*len(a) {
		return 100
	}
	rows := make([][]int, len(a)+1) // [i][j]: of the first i of a and the first j of b
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			rows[i][j] = min(changed, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
