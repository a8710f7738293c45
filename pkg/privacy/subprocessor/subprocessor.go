// Package subprocessor says what a company is that processes personal data for PixelTrack (policy 4.2 and 9), when data may go
// there, and which companies the program begins with. What was entered since lies in the table.
package subprocessor

import (
	"slices"
	"time"
)

// Status says whether data may go to a provider.
type Status string

// The states of a provider. Data flows to an active one only.
const (
	Announced Status = "announced" // owners have been told; no data before From
	Active    Status = "active"
	Ended     Status = "ended"
)

// Mechanism is what makes a transfer to another country lawful.
type Mechanism string

// The mechanisms.
const (
	Adequacy Mechanism = "adequacy_decision"
	Clauses  Mechanism = "standard_contractual_clauses"
)

// Assurance is an audit report of a provider. A nil date means that the document is not in the register.
type Assurance struct {
	Standard string
	Valid    *time.Time // the day the report was last checked to be current
	Expires  *time.Time // the day it must be renewed by
}

// Provider is one entry of the register.
type Provider struct {
	ID          string
	Name        string
	Service     string
	Parts       []string // the parts of its service that are used
	Categories  []string // of personal data, in the words of the policy
	Purposes    []string // from the register of purposes
	Country     string   // ISO 3166-1 alpha-2
	Region      string
	Mechanisms  []Mechanism
	Hosts       []string   // suffixes of the hosts that data goes to
	Contract    *time.Time // the day the processing agreement was signed; nil while the document is not in the register
	Reviewed    *time.Time // the day the transfer was last assessed; nil before the first assessment
	ReviewBy    *time.Time // the day it must have been assessed again; nil while the document is not in the register
	Assurance   []Assurance
	From        time.Time // no data goes there before
	Status      Status
	Terms, Page string // the provider's processing terms, and its own list or trust page
}

// All lists the providers that the program begins with.
func All() []Provider {
	start := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	return []Provider{
		{
			ID: "aws", Name: "Amazon Web Services, Inc.", Service: "Hosting, database, storage, delivery and keys",
			Parts:      []string{"AWS Lambda", "API Gateway", "DynamoDB", "S3", "CloudFront", "KMS", "EventBridge", "Systems Manager", "CloudWatch"},
			Categories: []string{"account", "profile", "business", "clients", "projects", "financial", "communications", "usage", "device", "log"},
			Purposes:   []string{"service_delivery", "account_management", "authentication", "security", "operations", "privacy_rights"},
			Country:    "US", Region: "us-east-1", Mechanisms: []Mechanism{Adequacy, Clauses}, Hosts: []string{"amazonaws.com"},
			Assurance: []Assurance{{Standard: "SOC 2 Type II"}}, From: start, Status: Active,
			Terms: "https://aws.amazon.com/service-terms/", Page: "https://aws.amazon.com/compliance/programs/",
		},
		{
			ID: "stripe", Name: "Stripe, Inc.", Service: "Payments",
			Parts:      []string{"Billing", "Checkout", "Connect"},
			Categories: []string{"account", "business", "clients", "financial"},
			Purposes:   []string{"billing", "invoicing"},
			Country:    "US", Mechanisms: []Mechanism{Adequacy, Clauses}, Hosts: []string{"api.stripe.com", "connect.stripe.com"},
			Assurance: []Assurance{{Standard: "SOC 2 Type II"}, {Standard: "PCI DSS Level 1"}}, From: start, Status: Active,
			Terms: "https://stripe.com/legal/dpa", Page: "https://stripe.com/legal/service-providers",
		},
		{
			ID: "resend", Name: "Resend (Plus Five Five, Inc.)", Service: "Mail delivery",
			Parts:      []string{"Sending", "Receiving"},
			Categories: []string{"account", "communications"},
			Purposes:   []string{"service_notices", "support", "invoicing", "marketing_email"},
			Country:    "US", Mechanisms: []Mechanism{Clauses}, Hosts: []string{"api.resend.com"},
			Assurance: []Assurance{{Standard: "SOC 2 Type II"}}, From: start, Status: Active,
			Terms: "https://resend.com/legal/dpa", Page: "https://resend.com/legal/subprocessors",
		},
	}
}

// Receives says whether data may go to the provider at a time.
func (p Provider) Receives(at time.Time) bool {
	return p.Status == Active && !at.Before(p.From) && p.lawful(at)
}

// lawful says whether something makes the transfer to its country lawful at a time.
func (p Provider) lawful(at time.Time) bool {
	return Adequate(p.Country) || len(p.Mechanisms) > 0 && (p.ReviewBy == nil || at.Before(*p.ReviewBy))
}

// Adequate says whether data may go to a country without more: to the European Economic Area, and where the European
// Commission has found the protection of the whole country adequate (GDPR Art. 45, as of November 2026). The United States
// are not among them: there the decision counts for companies that are certified, which is a mechanism with a date.
func Adequate(country string) bool {
	return slices.Contains([]string{
		"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
		"AD", "AR", "CH", "FO", "GB", "GG", "IL", "IM", "JE", "JP", "KR", "NZ", "UY",
	}, country)
}
