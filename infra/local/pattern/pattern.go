// Package pattern matches events with the patterns of EventBridge rules and of Lambda's event filters: the part of that
// language which the templates use. A pattern with anything else is refused when it is read.
package pattern

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Pattern is a pattern that has been read.
type Pattern struct{ root map[string]any }

// Parse reads a pattern from JSON.
func Parse(text string) (Pattern, error) {
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return Pattern{}, fmt.Errorf("pattern: %w", err)
	}
	return From(v)
}

// From takes a pattern that was read as a map.
func From(v map[string]any) (Pattern, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return Pattern{}, fmt.Errorf("pattern: %w", err)
	}
	var plain map[string]any // numbers as JSON has them
	if err := json.Unmarshal(text, &plain); err != nil {
		return Pattern{}, fmt.Errorf("pattern: %w", err)
	}
	return Pattern{plain}, check(plain)
}

func check(v map[string]any) error {
	if len(v) == 0 {
		return fmt.Errorf("pattern: an empty pattern")
	}
	for name, want := range v {
		switch want := want.(type) {
		case map[string]any:
			if err := check(want); err != nil {
				return err
			}
		case []any:
			for _, one := range want {
				if test, ok := one.(map[string]any); ok {
					if err := checkTest(test); err != nil {
						return fmt.Errorf("%s: %w", name, err)
					}
				}
			}
		default:
			return fmt.Errorf("pattern: %s: values stand in a list", name)
		}
	}
	return nil
}

func checkTest(test map[string]any) error {
	for operator, argument := range test {
		_, text := argument.(string)
		_, yes := argument.(bool)
		_, list := argument.([]any)
		switch {
		case len(test) == 1 && (operator == "prefix" || operator == "suffix" || operator == "equals-ignore-case") && text:
		case len(test) == 1 && operator == "exists" && yes:
		case len(test) == 1 && operator == "anything-but" && (text || list):
		default:
			return fmt.Errorf("pattern: the test %v is not known here", test)
		}
	}
	return nil
}

// Matches says whether an event, as JSON, meets the pattern.
func (p Pattern) Matches(event []byte) bool {
	var v any
	return json.Unmarshal(event, &v) == nil && matches(p.root, v)
}

func matches(want map[string]any, v any) bool {
	have, _ := v.(map[string]any)
	for name, w := range want {
		value, present := have[name]
		switch w := w.(type) {
		case map[string]any:
			if !matches(w, value) {
				return false
			}
		case []any:
			if !slices.ContainsFunc(w, func(one any) bool { return meets(one, value, present) }) {
				return false
			}
		}
	}
	return true
}

func meets(want, value any, present bool) bool {
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, func(v any) bool { return meets(want, v, true) })
	}
	test, ok := want.(map[string]any)
	if !ok {
		return present && want == value
	}
	text, isText := value.(string)
	for operator, argument := range test {
		switch argument := argument.(type) {
		case bool:
			return argument == present
		case string:
			switch operator {
			case "prefix":
				return isText && strings.HasPrefix(text, argument)
			case "suffix":
				return isText && strings.HasSuffix(text, argument)
			case "equals-ignore-case":
				return isText && strings.EqualFold(text, argument)
			case "anything-but":
				return present && value != argument
			}
		case []any:
			return present && !slices.Contains(argument, value)
		}
	}
	return false
}
