package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/scanner"
	"github.com/goccy/go-yaml/token"
)

const (
	maxFile   = 1 << 20 // bytes
	maxTokens = 50_000  // the YAML parser takes quadratic time
	maxNested = 32      // levels: it is recursive too
)

// parse makes the one document of the text. What keeps it from that is the only problem that is told.
func (d *decoder) parse(data []byte) (ast.Node, bool) {
	start := position{1, 1}
	switch {
	case len(data) > maxFile:
		d.addf(start, "the file is over 1 MiB")
		return nil, false
	case !utf8.Valid(data):
		d.addf(invalidAt(data), "not UTF-8: expected a text file")
		return nil, false
	}
	tokens, excess := tokenize(string(data))
	if excess != "" {
		d.addf(d.place(tokens[len(tokens)-1]), "%s", excess)
		return nil, false
	}
	parsed, err := parseTokens(tokens)
	if err != nil {
		d.addf(d.syntax(err))
		return nil, false
	}
	var bodies []*ast.DocumentNode
	for _, document := range parsed.Docs {
		switch {
		case document.Body == nil:
		case document.Body.Type() == ast.DirectiveType:
			d.addf(d.place(document.Body.GetToken()), "a directive (%%): expected none")
			return nil, false
		default:
			bodies = append(bodies, document)
		}
	}
	switch len(bodies) {
	case 0:
		d.addf(start, "the file is empty: expected apis")
		return nil, false
	case 1:
		return bodies[0].Body, true
	}
	d.addf(d.place(bodies[1].Start), "a second document (---): expected one")
	return nil, false
}

// parseTokens parses. A panic of the YAML library is an error: a bad file must not end a service that reads it again.
func parseTokens(tokens token.Tokens) (parsed *ast.File, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("the parser failed on it: %v", reason)
		}
	}()
	return parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
}

// tokenize cuts the text into tokens. It stops at the one that would cost the parser too much, and says why.
func tokenize(text string) (tokens token.Tokens, excess string) {
	var s scanner.Scanner
	s.Init(text)
	var c cost
	for {
		more, err := s.Scan()
		if errors.Is(err, io.EOF) { // any other is told by the parser
			return tokens, ""
		}
		for _, t := range more {
			if t.Type == token.CommentType {
				continue
			}
			tokens.Add(t)
			if excess := c.add(t); excess != "" {
				return tokens, excess
			}
		}
	}
}

// cost is what tokens cost the parser.
type cost struct {
	tokens int
	flow   int // brackets and braces that are open
	line   int
	inLine int // what opens a level, on this line
}

func (c *cost) add(t *token.Token) string {
	if c.tokens++; c.tokens > maxTokens {
		return "the file has too many keys and values: expected at most 50,000 words and signs of YAML"
	}
	if t.Position.Line != c.line {
		c.line, c.inLine = t.Position.Line, 0
	}
	switch t.Type {
	case token.MappingStartType, token.SequenceStartType:
		c.flow++
	case token.MappingEndType, token.SequenceEndType:
		c.flow--
	case token.SequenceEntryType, token.MappingKeyType, token.TagType, token.AnchorType:
		c.inLine++
	default:
	}
	if c.flow > maxNested || c.inLine > maxNested || t.Position.IndentNum > 8*maxNested {
		return fmt.Sprintf("nested too deep: expected at most %d levels", maxNested)
	}
	return ""
}

func invalidAt(data []byte) position {
	valid := 0
	for valid < len(data) {
		char, size := utf8.DecodeRune(data[valid:])
		if char == utf8.RuneError && size == 1 {
			break
		}
		valid += size
	}
	before := data[:valid]
	line := bytes.LastIndexByte(before, '\n') + 1
	return position{bytes.Count(before, []byte("\n")) + 1, utf8.RuneCount(before[line:]) + 1}
}

func (d *decoder) syntax(err error) (position, string, any) {
	at, message := position{1, 1}, err.Error()
	if syntax, ok := errors.AsType[yaml.Error](err); ok {
		at, message = d.place(syntax.GetToken()), syntax.GetMessage()
	}
	if strings.HasPrefix(message, "found character '\t'") {
		message = "a tab: expected spaces"
	}
	if strings.Contains(d.lines[at.line-1], "${") {
		message += `; a text with ${ needs quotes within { }: "${NAME}"`
	}
	return at, "not YAML: %s", message
}

// place is where a token is. It stays within the file: the YAML library miscounts behind some texts of several lines.
func (d *decoder) place(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{1, 1}
	}
	line := min(max(t.Position.Line, 1), len(d.lines))
	return position{line, min(max(t.Position.Column, 1), utf8.RuneCountInString(d.lines[line-1])+1)}
}
