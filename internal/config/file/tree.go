package file

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml/ast"
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
