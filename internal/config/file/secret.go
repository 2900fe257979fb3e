package file

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"
)

// Text is a text of the file in which ${NAME} and ${file:/path} have been filled in. However it is printed, logged or encoded, it
// shows itself as it was written; only Value has the secrets.
type Text struct {
	value   *string // a pointer, so that no printing by reflection comes to it
	written string
}

func plain(text string) Text { return Text{value: &text, written: text} }

// Value is the text with its secrets.
func (t Text) Value() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Secret says whether something has been filled in.
func (t Text) Secret() bool { return t.Value() != t.written }

// String is the text as it was written.
func (t Text) String() string { return t.written }

// Format shows the text as it was written, whatever the verb.
func (t Text) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), t.written) // fmt has the error too
}

// LogValue is the text as it was written.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.written) }

// MarshalText is the text as it was written.
func (t Text) MarshalText() ([]byte, error) { return []byte(t.written), nil }

const secretForms = "expected ${NAME} or ${file:/path}; a literal ${ is written $${"

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// fill puts the secrets into a text of the file, once: what is filled in is not looked at again. It returns what is wrong with
// each that cannot be filled in.
func (r Reader) fill(written string) (Text, []error) {
	if !strings.Contains(written, "${") {
		return plain(written), nil
	}
	var value strings.Builder
	var problems []error
	for rest := written; rest != ""; {
		before, after, found := strings.Cut(rest, "${")
		if !found {
			value.WriteString(rest)
			break
		}
		if strings.HasSuffix(before, "$") {
			value.WriteString(before + "{")
			rest = after
			continue
		}
		name, next, closed := strings.Cut(after, "}")
		if !closed {
			return Text{}, append(problems, errors.New("${ is not closed: "+secretForms))
		}
		secret, err := r.secret(name)
		if err != nil {
			problems = append(problems, err)
		}
		value.WriteString(before + secret)
		rest = next
	}
	filled := value.String()
	return Text{value: &filled, written: written}, problems
}

// secret is what ${name} stands for.
func (r Reader) secret(name string) (string, error) {
	if path, ok := strings.CutPrefix(name, "file:"); ok {
		return r.secretFile(path)
	}
	if !variableName.MatchString(name) {
		return "", fmt.Errorf("${%s} is not the name of a variable: "+secretForms, name)
	}
	value, set := r.LookupEnv(name)
	switch {
	case !set:
		return "", fmt.Errorf("${%s} is not set: expected a variable of that name in the environment", name)
	case value == "":
		return "", fmt.Errorf("${%s} is empty: expected a variable with a value in the environment", name)
	}
	return value, nil
}

func (r Reader) secretFile(path string) (string, error) {
	if path == "" {
		return "", errors.New("${file:} has no path: " + secretForms)
	}
	data, err := r.readBeside(path)
	if err != nil {
		return "", fmt.Errorf("${file:%s} %s", path, unreadable(err))
	}
	value := strings.TrimSuffix(string(data), "\n")
	if value == "" {
		return "", fmt.Errorf("${file:%s} is empty: expected a file with a secret", path)
	}
	return value, nil
}

// unreadable says why a file cannot be read, without its path, which has been told.
func unreadable(err error) string {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err
	}
	return "cannot be read: " + err.Error()
}
