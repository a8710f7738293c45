package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Decision is how a policy judges a call.
type Decision struct {
	Allowed bool
	Why     string // what stood in the way, empty when it is allowed
	Uses    []Use  // the parts of the policy that allowed it
}

// Use is one part of a policy that a call needed: an action of a statement and, where the statement asks for them, the
// patterns that the call's values met.
type Use struct {
	Statement int // place in the policy
	Action    string
	Resource  string
	Values    []string // key=pattern
}

// Decide judges a call: an explicit Deny wins, an Allow is needed, and what a statement says that is not known here
// refuses the call, because a guess would be worth nothing.
func (p *Policy) Decide(r Request) Decision {
	if p == nil {
		return Decision{Why: "there is no role"}
	}
	var d Decision
	for i, s := range p.Statements {
		use, matches, err := s.match(r)
		if err != nil {
			return Decision{Why: fmt.Sprintf("statement %s: %v", s.name(i), err)}
		}
		if !matches {
			continue
		}
		use.Statement = i
		if s.Effect == "Deny" {
			return Decision{Why: fmt.Sprintf("statement %s denies it", s.name(i))}
		}
		d.Allowed = true
		d.Uses = append(d.Uses, use)
	}
	if !d.Allowed {
		d.Why = "no statement allows it"
	}
	return d
}

// Denies says whether a statement of the policy denies a call, as a resource's own policy may. What is not known here
// denies.
func (p *Policy) Denies(r Request) bool {
	for _, s := range p.Statements {
		_, matches, err := s.match(r)
		if err != nil || matches && s.Effect == "Deny" {
			return true
		}
	}
	return false
}

// Without is the policy with one statement that allows nothing any more; the others keep their places.
func (p *Policy) Without(statement int) *Policy {
	all := slices.Clone(p.Statements)
	all[statement] = Statement{Sid: all[statement].Sid, Effect: "Allow"}
	return &Policy{Statements: all}
}

func (s Statement) name(place int) string {
	if s.Sid != "" {
		return s.Sid
	}
	return strconv.Itoa(place)
}

// match says whether a statement speaks of a call. A statement with a condition that is not known here is an error even
// when its action is another's: it must not be in a template.
func (s Statement) match(r Request) (Use, bool, error) {
	use := Use{}
	if err := s.known(); err != nil {
		return use, false, err
	}
	action := slices.IndexFunc(s.Actions, func(a string) bool { return like(strings.ToLower(a), strings.ToLower(r.Action)) })
	resource := slices.IndexFunc(s.Resources, func(p string) bool { return like(p, r.Resource) })
	if action < 0 || resource < 0 {
		return use, false, nil
	}
	use.Action, use.Resource = s.Actions[action], s.Resources[resource]
	for operator, keys := range s.Condition {
		for key, patterns := range keys {
			met, holds, err := condition(operator, patterns, r.Context[key], r.has(key))
			if err != nil {
				return use, false, err
			}
			if !holds {
				return use, false, nil
			}
			for _, pattern := range met {
				use.Values = append(use.Values, key+"="+pattern)
			}
		}
	}
	slices.Sort(use.Values)
	use.Values = slices.Compact(use.Values)
	return use, true, nil
}

func (r Request) has(key string) bool {
	values, ok := r.Context[key]
	return ok && len(values) > 0
}

// knownKeys are the condition keys that the doors fill in; a prefix ends with a colon or a slash.
var knownKeys = [...]string{"dynamodb:LeadingKeys", "dynamodb:Select", "aws:SecureTransport", "s3:TlsVersion", "s3:prefix", "s3:delimiter",
	"s3:max-keys", "s3:if-none-match", "s3:x-amz-server-side-encryption", "s3:VersionId", "s3:authType", "kms:ViaService", "kms:SigningAlgorithm", "kms:MessageType",
	"kms:KeySpec", "kms:EncryptionContext:", "kms:EncryptionContextKeys", "kms:RecipientAttestation:", "events:source", "events:detail-type", "aws:RequestTag/", "aws:TagKeys", "aws:ResourceTag/"}

func (s Statement) known() error {
	for operator, keys := range s.Condition {
		for key := range keys {
			if !slices.ContainsFunc(knownKeys[:], func(k string) bool {
				return k == key || strings.HasSuffix(k, ":") && strings.HasPrefix(key, k) || strings.HasSuffix(k, "/") && strings.HasPrefix(key, k)
			}) {
				return fmt.Errorf("the condition key %s is not known", key)
			}
			if _, _, err := condition(operator, nil, nil, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// condition judges one operator over one key, and gives the patterns that were met.
func condition(operator string, patterns, values []string, present bool) (met []string, holds bool, err error) {
	base, ifExists := strings.CutSuffix(operator, "IfExists")
	quantifier, base := quantifierOf(base)
	if base == "Null" {
		for _, p := range patterns {
			if p == strconv.FormatBool(!present) {
				return nil, true, nil
			}
		}
		return nil, false, nil
	}
	test, negative, err := tester(base)
	if err != nil {
		return nil, false, err
	}
	if !present {
		return nil, ifExists || quantifier == "ForAllValues" || negative && quantifier == "", nil
	}
	one := func(value string) bool {
		for _, p := range patterns {
			if test(p, value) {
				met = append(met, p)
				return true
			}
		}
		return false
	}
	count := 0
	for _, v := range values {
		if one(v) != negative {
			count++
		}
	}
	switch quantifier {
	case "ForAllValues":
		return met, count == len(values), nil
	case "ForAnyValue":
		return met, count > 0, nil
	}
	if len(values) != 1 {
		return nil, false, fmt.Errorf("%s over %d values", operator, len(values))
	}
	return met, count == 1, nil
}

func quantifierOf(operator string) (quantifier, rest string) {
	for _, q := range []string{"ForAllValues", "ForAnyValue"} {
		if rest, ok := strings.CutPrefix(operator, q+":"); ok {
			return q, rest
		}
	}
	return "", operator
}

// tester gives how an operator compares a pattern with a value, and whether it wants no pattern met.
func tester(operator string) (test func(pattern, value string) bool, negative bool, err error) {
	number := func(compare func(value, limit float64) bool) func(string, string) bool {
		return func(pattern, value string) bool {
			limit, err1 := strconv.ParseFloat(pattern, 64)
			v, err2 := strconv.ParseFloat(value, 64)
			return err1 == nil && err2 == nil && compare(v, limit)
		}
	}
	equal := func(pattern, value string) bool { return pattern == value }
	switch operator {
	case "StringEquals":
		return equal, false, nil
	case "StringNotEquals":
		return equal, true, nil
	case "StringLike", "ArnLike", "ArnEquals":
		return like, false, nil
	case "StringNotLike":
		return like, true, nil
	case "Bool":
		return strings.EqualFold, false, nil
	case "NumericEquals":
		return number(func(v, l float64) bool { return v == l }), false, nil
	case "NumericLessThan":
		return number(func(v, l float64) bool { return v < l }), false, nil
	case "NumericLessThanEquals":
		return number(func(v, l float64) bool { return v <= l }), false, nil
	case "NumericGreaterThan":
		return number(func(v, l float64) bool { return v > l }), false, nil
	case "NumericGreaterThanEquals":
		return number(func(v, l float64) bool { return v >= l }), false, nil
	}
	return nil, false, fmt.Errorf("the condition operator %s is not known", operator)
}

// like matches a pattern with * for any text, also an empty one and across separators, and ? for one character.
func like(pattern, value string) bool {
	p, v, star, mark := 0, 0, -1, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p++
			v++
		case star >= 0:
			mark++
			p, v = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
