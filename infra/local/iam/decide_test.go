package iam_test

import (
	"slices"
	"testing"

	"pixeltrack.io/platform/infra/local/iam"
)

const table = "arn:aws:dynamodb:us-east-1:000000000000:table/t"

func leading(patterns ...string) map[string]map[string][]string {
	return map[string]map[string][]string{
		"ForAllValues:StringLike": {"dynamodb:LeadingKeys": patterns},
		"Null":                    {"dynamodb:LeadingKeys": {"false"}},
	}
}

func TestDecide(t *testing.T) {
	read := iam.Statement{Sid: "Read", Effect: "Allow", Actions: []string{"dynamodb:GetItem", "dynamodb:Query"}, Resources: []string{table},
		Condition: leading("ORG#*#CLIENT", "PLATFORM#KEYRING")}
	deny := iam.Statement{Sid: "Never", Effect: "Deny", Actions: []string{"dynamodb:*"}, Resources: []string{table + "*"},
		Condition: map[string]map[string][]string{"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": {"ORG#evil*"}}}}
	tests := []struct {
		name       string
		statements []iam.Statement
		request    iam.Request
		want       bool
		values     []string
	}{
		{"an allowed call", []iam.Statement{read}, iam.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"ORG#a#CLIENT"}}}, true,
			[]string{"dynamodb:LeadingKeys=ORG#*#CLIENT"}},
		{"a call over two families", []iam.Statement{read}, iam.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"PLATFORM#KEYRING", "ORG#a#CLIENT"}}}, true,
			[]string{"dynamodb:LeadingKeys=ORG#*#CLIENT", "dynamodb:LeadingKeys=PLATFORM#KEYRING"}},
		{"another action", []iam.Statement{read}, iam.Request{Action: "dynamodb:PutItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"ORG#a#CLIENT"}}}, false, nil},
		{"another family among good ones", []iam.Statement{read}, iam.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"ORG#a#CLIENT", "ORG#a#TASK"}}}, false, nil},
		{"an index, which is another resource", []iam.Statement{read}, iam.Request{Action: "dynamodb:Query", Resource: table + "/index/GSI1", Context: map[string][]string{"dynamodb:LeadingKeys": {"ORG#a#CLIENT"}}}, false, nil},
		{"no leading key at all", []iam.Statement{read}, iam.Request{Action: "dynamodb:Query", Resource: table}, false, nil},
		{"a denial over an allowance", []iam.Statement{read, deny}, iam.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"ORG#evil#CLIENT"}}}, false, nil},
		{"an operator that is not known", []iam.Statement{read, {Effect: "Allow", Actions: []string{"s3:*"}, Resources: []string{"*"}, Condition: map[string]map[string][]string{"StringSimilar": {"s3:prefix": {"a"}}}}},
			iam.Request{Action: "dynamodb:GetItem", Resource: table, Context: map[string][]string{"dynamodb:LeadingKeys": {"ORG#a#CLIENT"}}}, false, nil},
		{"a key that is not known", []iam.Statement{{Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}, Condition: map[string]map[string][]string{"StringEquals": {"aws:Weather": {"fine"}}}}},
			iam.Request{Action: "dynamodb:GetItem", Resource: table}, false, nil},
		{"no statement", nil, iam.Request{Action: "dynamodb:GetItem", Resource: table}, false, nil},
		{"one value of a plain operator", []iam.Statement{{Effect: "Allow", Actions: []string{"s3:ListBucket"}, Resources: []string{"arn:aws:s3:::b"}, Condition: map[string]map[string][]string{"StringEquals": {"s3:prefix": {"a/"}}}}},
			iam.Request{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b", Context: map[string][]string{"s3:prefix": {"a/"}}}, true, []string{"s3:prefix=a/"}},
		{"an absent value of a plain operator", []iam.Statement{{Effect: "Allow", Actions: []string{"s3:ListBucket"}, Resources: []string{"arn:aws:s3:::b"}, Condition: map[string]map[string][]string{"StringEquals": {"s3:prefix": {"a/"}}}}},
			iam.Request{Action: "s3:ListBucket", Resource: "arn:aws:s3:::b"}, false, nil},
		{"a version below a limit", []iam.Statement{{Effect: "Deny", Actions: []string{"s3:*"}, Resources: []string{"*"}, Condition: map[string]map[string][]string{"NumericLessThan": {"s3:TlsVersion": {"1.3"}}}},
			{Effect: "Allow", Actions: []string{"s3:GetObject"}, Resources: []string{"*"}}},
			iam.Request{Action: "s3:GetObject", Resource: "x", Context: map[string][]string{"s3:TlsVersion": {"1.2"}}}, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := (&iam.Policy{Statements: tt.statements}).Decide(tt.request)
			if d.Allowed != tt.want {
				t.Fatalf("Decide = %v (%s); want %v", d.Allowed, d.Why, tt.want)
			}
			if !d.Allowed && d.Why == "" {
				t.Error("a refusal has no reason")
			}
			if d.Allowed && !slices.Equal(d.Uses[0].Values, tt.values) {
				t.Errorf("values = %v; want %v", d.Uses[0].Values, tt.values)
			}
		})
	}
}

func TestNoRoleAllowsNothing(t *testing.T) {
	var p *iam.Policy
	if p.Decide(iam.Request{Action: "a", Resource: "b"}).Allowed {
		t.Error("no role allows a call")
	}
}

func TestWithout(t *testing.T) {
	all := iam.Statement{Sid: "All", Effect: "Allow", Actions: []string{"*"}, Resources: []string{"*"}}
	p := &iam.Policy{Statements: []iam.Statement{all}}
	r := iam.Request{Action: "a:Get", Resource: "r"}
	if !p.Decide(r).Allowed || p.Without(0).Decide(r).Allowed || len(p.Without(0).Statements) != 1 {
		t.Error("a policy without its statement allows what it allowed, or has lost its place")
	}
}
