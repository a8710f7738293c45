package template

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// load reads a template into plain maps, with short intrinsics (!Ref) turned into long ones ({Ref: …}).
func load(path string) (map[string]any, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(doc.Content) == 0 {
		return nil, fmt.Errorf("%s: empty", path)
	}
	v, err := plain(doc.Content[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s: not a template", path)
	}
	return m, nil
}

func plain(n *yaml.Node) (any, error) {
	v, err := untagged(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return v, err
	}
	name := strings.TrimPrefix(n.Tag, "!")
	if text, ok := v.(string); ok && name == "GetAtt" {
		resource, attribute, _ := strings.Cut(text, ".")
		v = []any{resource, attribute}
	}
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return map[string]any{name: v}, nil
}

func untagged(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			v, err := plain(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		l := []any{}
		for _, c := range n.Content {
			v, err := plain(c)
			if err != nil {
				return nil, err
			}
			l = append(l, v)
		}
		return l, nil
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: aliases are not for CloudFormation", n.Line)
	}
	switch n.Tag {
	case "!!int", "!!bool", "!!float", "!!null":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, err
		}
		return v, nil
	}
	return n.Value, nil
}

// noValue is what AWS::NoValue resolves to; a map or list drops it.
type noValue struct{}

// scope is what intrinsics of one template refer to.
type scope struct {
	parameters map[string]any
	conditions map[string]any
	mappings   map[string]any
	attribute  func(resource, name string) (any, error) // name "" is Ref
	decided    map[string]bool
}

func (s *scope) resolve(v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.intrinsic(name, arg)
				}
			}
		}
		m := map[string]any{}
		for k, e := range v {
			r, err := s.resolve(e)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", k, err)
			}
			if _, none := r.(noValue); !none {
				m[k] = r
			}
		}
		return m, nil
	case []any:
		l := []any{}
		for _, e := range v {
			r, err := s.resolve(e)
			if err != nil {
				return nil, err
			}
			if _, none := r.(noValue); !none {
				l = append(l, r)
			}
		}
		return l, nil
	}
	return v, nil
}

func (s *scope) intrinsic(name string, arg any) (any, error) {
	switch name {
	case "Ref":
		return s.ref(fmt.Sprint(arg))
	case "Fn::GetAtt":
		parts, ok := arg.([]any)
		if !ok || len(parts) != 2 {
			return nil, fmt.Errorf("the value of GetAtt %v", arg)
		}
		return s.attribute(fmt.Sprint(parts[0]), fmt.Sprint(parts[1]))
	case "Fn::Sub":
		return s.sub(arg)
	case "Fn::If":
		parts, ok := arg.([]any)
		if !ok || len(parts) != 3 {
			return nil, fmt.Errorf("the value of If %v", arg)
		}
		yes, err := s.condition(fmt.Sprint(parts[0]))
		if err != nil {
			return nil, err
		}
		if yes {
			return s.resolve(parts[1])
		}
		return s.resolve(parts[2])
	}
	resolved, err := s.resolve(arg)
	if err != nil {
		return nil, err
	}
	list, _ := resolved.([]any)
	switch name {
	case "Fn::Join":
		if len(list) != 2 {
			return nil, fmt.Errorf("the value of Join %v", arg)
		}
		return strings.Join(texts(list[1]), fmt.Sprint(list[0])), nil
	case "Fn::Split":
		if len(list) != 2 {
			return nil, fmt.Errorf("the value of Split %v", arg)
		}
		var parts []any
		for _, p := range strings.Split(fmt.Sprint(list[1]), fmt.Sprint(list[0])) {
			parts = append(parts, p)
		}
		return parts, nil
	case "Fn::Select":
		if len(list) != 2 {
			return nil, fmt.Errorf("the value of Select %v", arg)
		}
		var i int
		if _, err := fmt.Sscan(fmt.Sprint(list[0]), &i); err != nil {
			return nil, fmt.Errorf("the value of Select %v", arg)
		}
		from := texts(list[1])
		if i < 0 || i >= len(from) {
			return nil, fmt.Errorf("the value of Select %d of %d", i, len(from))
		}
		return from[i], nil
	case "Fn::FindInMap":
		if len(list) != 3 {
			return nil, fmt.Errorf("the value of FindInMap %v", arg)
		}
		top, _ := s.mappings[fmt.Sprint(list[0])].(map[string]any)
		second, _ := top[fmt.Sprint(list[1])].(map[string]any)
		v, ok := second[fmt.Sprint(list[2])]
		if !ok {
			return nil, fmt.Errorf("the value of FindInMap %v: not there", list)
		}
		return v, nil
	}
	return nil, fmt.Errorf("%s is not known here", name)
}

// Pseudo parameters of the local stack.
const (
	Region  = "us-east-1"
	Account = "000000000000"
)

func (s *scope) ref(name string) (any, error) {
	switch name {
	case "AWS::Region":
		return Region, nil
	case "AWS::AccountId":
		return Account, nil
	case "AWS::Partition":
		return "aws", nil
	case "AWS::URLSuffix":
		return "amazonaws.com", nil
	case "AWS::StackName":
		return "pixeltrack-local", nil
	case "AWS::NoValue":
		return noValue{}, nil
	}
	if v, ok := s.parameters[name]; ok {
		return v, nil
	}
	return s.attribute(name, "")
}

func (s *scope) sub(arg any) (any, error) {
	text, own := "", map[string]any{}
	switch a := arg.(type) {
	case string:
		text = a
	case []any:
		if len(a) != 2 {
			return nil, fmt.Errorf("the value of Sub %v", arg)
		}
		text = fmt.Sprint(a[0])
		resolved, err := s.resolve(a[1])
		if err != nil {
			return nil, err
		}
		own, _ = resolved.(map[string]any)
	default:
		return nil, fmt.Errorf("the value of Sub %v", arg)
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, fmt.Errorf("the value of Sub %q: no closing brace", text)
		}
		text = after
		if strings.HasPrefix(name, "!") {
			out.WriteString("${" + name[1:] + "}")
			continue
		}
		v, ok := own[name]
		if !ok {
			var err error
			if resource, attribute, dotted := strings.Cut(name, "."); dotted {
				v, err = s.attribute(resource, attribute)
			} else {
				v, err = s.ref(name)
			}
			if err != nil {
				return nil, err
			}
		}
		fmt.Fprint(&out, v)
	}
}

// condition decides a named condition.
func (s *scope) condition(name string) (bool, error) {
	if yes, ok := s.decided[name]; ok {
		return yes, nil
	}
	c, ok := s.conditions[name]
	if !ok {
		return false, fmt.Errorf("no condition %s", name)
	}
	yes, err := s.decide(c)
	if err == nil {
		s.decided[name] = yes
	}
	return yes, err
}

func (s *scope) decide(v any) (bool, error) {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return false, fmt.Errorf("condition %v", v)
	}
	for name, arg := range m {
		if name == "Condition" {
			return s.condition(fmt.Sprint(arg))
		}
		list, _ := arg.([]any)
		switch name {
		case "Fn::Equals":
			r, err := s.resolve(arg)
			if err != nil {
				return false, err
			}
			pair, _ := r.([]any)
			if len(pair) != 2 {
				return false, fmt.Errorf("the value of Equals %v", arg)
			}
			return fmt.Sprint(pair[0]) == fmt.Sprint(pair[1]), nil
		case "Fn::Not":
			if len(list) != 1 {
				return false, fmt.Errorf("the value of Not %v", arg)
			}
			yes, err := s.decide(list[0])
			return !yes, err
		case "Fn::And", "Fn::Or":
			for _, e := range list {
				yes, err := s.decide(e)
				if err != nil || yes == (name == "Fn::Or") {
					return yes, err
				}
			}
			return name == "Fn::And", nil
		}
		return false, fmt.Errorf("%s is not known here", name)
	}
	return false, nil
}

// texts reads a list of texts, or one text as a list of one; a comma list counts as its parts.
func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []string
		for _, e := range v {
			all = append(all, fmt.Sprint(e))
		}
		return all
	case []string:
		return slices.Clone(v)
	}
	return []string{fmt.Sprint(v)}
}

func at(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

func text(v any, path ...string) string {
	if found := at(v, path...); found != nil {
		return fmt.Sprint(found)
	}
	return ""
}

func number(v any, otherwise int, path ...string) int {
	found := at(v, path...)
	var n int
	if found == nil {
		return otherwise
	}
	if _, err := fmt.Sscan(fmt.Sprint(found), &n); err != nil {
		return otherwise
	}
	return n
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
