package config

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"hedgerow/internal/replicas"
)

// Describe says in a line each what the settings are, by their variables. Of a URL it shows neither user, password nor query: secrets may
// be there.
func (s *Serve) Describe() string {
	var text strings.Builder
	describe(&text, reflect.ValueOf(s).Elem(), "")
	return text.String()
}

// describe writes the fields that have a variable. prefix stands before their names.
func describe(text *strings.Builder, group reflect.Value, prefix string) {
	for i := range group.NumField() {
		field := group.Type().Field(i)
		tag := field.Tag
		_, embedded := tag.Lookup("embed")
		switch {
		case field.Anonymous || embedded:
			describe(text, group.Field(i), prefix+tag.Get("envprefix"))
		case tag.Get("env") != "":
			fmt.Fprintf(text, "%-28s %s\n", prefix+tag.Get("env"), shown(group.Field(i).Interface()))
		}
	}
}

// shown is a value for people.
func shown(value any) string {
	switch value := value.(type) {
	case *url.URL:
		if value == nil {
			return "(empty)"
		}
		return (&url.URL{Scheme: value.Scheme, Host: value.Host, Path: value.Path, RawPath: value.RawPath}).String()
	case *replicas.URL:
		if value == nil {
			return "(empty)"
		}
		return value.String()
	case *Address:
		if value == nil {
			return "(off)"
		}
		return value.String()
	case Address:
		return value.String()
	}
	if text := fmt.Sprint(value); text != "" {
		return text
	}
	return "(empty)"
}
