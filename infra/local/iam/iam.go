// Package iam judges calls by the policies of the templates, as AWS does for the parts of the language used here.
package iam

// Policy is what a role allows: its statements in the order of the template.
type Policy struct {
	Statements []Statement
}

// Statement is one statement of a policy, with every intrinsic resolved.
type Statement struct {
	Sid       string
	Effect    string // Allow or Deny
	Actions   []string
	Resources []string
	Condition map[string]map[string][]string // operator, key, values
}

// Request is one call to be judged.
type Request struct {
	Action   string              // dynamodb:GetItem
	Resource string              // ARN
	Context  map[string][]string // dynamodb:LeadingKeys and other condition keys
}
