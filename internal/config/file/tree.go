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

type kind int

const (
	broken  kind = iota // a problem of it has been told already
	nothing             // null
	scalar
	list
	mapping
)

func (k kind) String() string {
	return [...]string{"something else", "nothing", "a single value", "a list", "a map"}[k]
}

// node is a value of the file: what YAML has beside maps, lists and scalars has been refused, secrets have been filled in.
type node struct {
	name    string // the key that it stands behind
	at      position
	kind    kind
	text    Text
	items   []node
	entries []entry
}

type entry struct {
	key   string
	at    position
	value node
}

// tree parses the file's text.
func (d *decoder) tree(data []byte) (node, bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	d.lines = strings.Split(string(data), "\n")
	body, ok := d.parse(data)
	if !ok {
		return node{}, false
	}
	return d.node("", body), true
}

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

// node reads a value of the file. Where it has what this file must not have, it says so and goes on with the value if there is one.
func (d *decoder) node(name string, from ast.Node) node {
	n := node{name: name, at: d.place(from.GetToken())}
	switch from := from.(type) {
	case *ast.MappingNode:
		n.kind = mapping
		n.entries = d.entries(from)
		if !from.IsFlowStyle && len(n.entries) > 0 {
			n.at = n.entries[0].at
		}
	case *ast.SequenceNode:
		n.kind = list
		for _, item := range from.Values {
			n.items = append(n.items, d.node(name, item))
		}
	case *ast.NullNode:
		n.kind = nothing
	case *ast.AnchorNode:
		d.addf(n.at, "an anchor (&): expected the value itself; what APIs have in common belongs under defaults")
		return d.node(name, from.Value)
	case *ast.AliasNode:
		d.addf(n.at, "an alias (*): expected the value itself; what APIs have in common belongs under defaults")
	case *ast.TagNode:
		d.addf(n.at, "a tag (%s): expected the value alone", printable(from.Start.Value))
	case *ast.LiteralNode:
		d.scalar(&n, from.Value.Value)
	case ast.ScalarNode:
		d.scalar(&n, from.GetToken().Value)
	default:
		d.addf(n.at, "expected a map, a list or a single value")
	}
	return n
}

func (d *decoder) scalar(n *node, text string) {
	n.kind = scalar
	filled, problems := d.fill(text)
	for _, problem := range problems {
		d.problem(*n, problem.Error())
		n.kind = broken
	}
	n.text = filled
}

// entries reads the keys and values of a map and refuses keys that come twice.
func (d *decoder) entries(from *ast.MappingNode) []entry {
	first := map[string]position{}
	var entries []entry
	for _, value := range from.Values {
		at := d.place(value.Key.GetToken())
		if value.Key.IsMergeKey() {
			d.addf(at, "a merge key (<<): expected the keys themselves; what APIs have in common belongs under defaults")
			continue
		}
		if value.Key.Type() == ast.MappingKeyType || value.Key.Type() == ast.AnchorType || value.Key.Type() == ast.NullType {
			d.addf(at, "expected a key that is a word")
			continue
		}
		key := value.Key.GetToken().Value
		if before, twice := first[key]; twice {
			d.addf(at, "%s is here a second time: expected it once, it is at %v too", quote(key), before)
			continue
		}
		first[key] = at
		entries = append(entries, entry{key, at, d.node(key, value.Value)})
	}
	return entries
}
