// Package purpose is the register of what personal data is processed for, each purpose on exactly one of the four bases
// of GDPR Art. 6 that the policy names (14.1), and the texts by which consent is asked for.
package purpose

import "pixeltrack.io/platform/pkg/registry"

// Purpose is one reason for processing personal data. Routes, jobs and rows name one by its ID.
type Purpose struct {
	ID          string
	Title       string
	Description string
	Basis       registry.Basis
	Interest    string // which legitimate interest, where that is the basis
	Section     string // of the policy, "3.1"
	Objectable  bool   // Art. 21 applies: a person may object
}

// IDs of the purposes.
const (
	ServiceDelivery   = "service_delivery"
	Collaboration     = "collaboration"
	ClientPortal      = "client_portal"
	Invoicing         = "invoicing"
	Support           = "support"
	AccountManagement = "account_management"
	Authentication    = "authentication"
	Billing           = "billing"
	ServiceNotices    = "service_notices"
	Security          = "security"
	Operations        = "operations"
	FraudPrevention   = "fraud_prevention"
	FinancialRecords  = "financial_records"
	PrivacyRights     = "privacy_rights"
	LegalCompliance   = "legal_compliance"
	Analytics         = "analytics"
	ProductResearch   = "product_research"
	MarketingEmail    = "marketing_email"
	Sharing           = "sharing"
)

// All lists the purposes in the order of the policy.
func All() []Purpose {
	return []Purpose{
		{ID: ServiceDelivery, Section: "3.1", Basis: registry.Contract, Title: "Running the platform",
			Description: "Storing and showing the projects, tasks, hours, clients and files that you and your team put in."},
		{ID: Collaboration, Section: "3.1", Basis: registry.Contract, Title: "Working in a team",
			Description: "Members, roles, invitations and the record of who did what inside an organization."},
		{ID: ClientPortal, Section: "3.1", Basis: registry.Contract, Title: "Showing work to your clients",
			Description: "Giving the people your organization names the projects and documents it picks for them."},
		{ID: Invoicing, Section: "3.1", Basis: registry.Contract, Title: "Invoices and payments of your clients",
			Description: "Making, sending and collecting the invoices that your organization issues."},
		{ID: Support, Section: "3.1", Basis: registry.Contract, Title: "Answering you",
			Description: "Support tickets and the messages that belong to them."},
		{ID: AccountManagement, Section: "3.2", Basis: registry.Contract, Title: "Your account",
			Description: "Making, changing, deleting and restoring accounts and organizations, with their settings."},
		{ID: Authentication, Section: "3.2", Basis: registry.Contract, Title: "Letting you in, and only you",
			Description: "Passwords, sessions, second factors, confirmation links and access tokens."},
		{ID: Billing, Section: "3.2", Basis: registry.Contract, Title: "Your subscription",
			Description: "Charging for a plan and showing what was charged."},
		{ID: ServiceNotices, Section: "3.2", Basis: registry.Contract, Title: "Messages about the service",
			Description: "Mails that you need in order to use the account or that the law asks of us. They are never advertising."},
		{ID: Security, Section: "3.3", Basis: registry.Interest, Title: "Keeping the service safe",
			Description: "Limits against guessing, alerts about new devices, audit records.",
			Interest:    "Protecting accounts and data against people who have no business there."},
		{ID: Operations, Section: "3.3", Basis: registry.Interest, Title: "Keeping the service running",
			Description: "Logs and measurements that carry ids and codes only.", Objectable: true,
			Interest: "Finding and mending faults before they cost anybody work."},
		{ID: FraudPrevention, Section: "3.4", Basis: registry.Interest, Title: "Stopping fraud and abuse",
			Description: "Marking accounts that harm others, for a limited time and with a reason on record.", Objectable: true,
			Interest: "Protecting users, the public and ourselves against fraud."},
		{ID: FinancialRecords, Section: "3.4", Basis: registry.Obligation, Title: "Books and taxes",
			Description: "Keeping invoices and payments for as long as tax law asks."},
		{ID: PrivacyRights, Section: "3.4", Basis: registry.Obligation, Title: "Your privacy rights",
			Description: "Receiving, answering and proving requests, consents, objections and erasures, and deleting what is due."},
		{ID: LegalCompliance, Section: "3.4", Basis: registry.Obligation, Title: "What the law demands",
			Description: "Answering courts and authorities where we must, and keeping evidence that must be kept."},
		{ID: Analytics, Section: "3.3", Basis: registry.Consent, Title: "Usage analytics", Objectable: true,
			Description: "Counting which features are used, in order to improve them."},
		{ID: ProductResearch, Section: "3.3", Basis: registry.Consent, Title: "Product research", Objectable: true,
			Description: "Asking you about the product, and studying the answers."},
		{ID: MarketingEmail, Section: "3.2", Basis: registry.Consent, Title: "News by mail", Objectable: true,
			Description: "Mails about new features, offers and events."},
		{ID: Sharing, Section: "4.1", Basis: registry.Consent, Title: "Sharing at your word", Objectable: true,
			Description: "Passing data to somebody you name, for a purpose you agreed to."},
	}
}

// OptOut lists what an opt-out and Global Privacy Control are about. Nothing is sold, so it is what comes nearest.
func OptOut() []string { return []string{Analytics, Sharing} }

// Of finds a purpose, false when the register has none of this id.
func Of(id string) (Purpose, bool) {
	for _, p := range All() {
		if p.ID == id {
			return p, true
		}
	}
	return Purpose{}, false
}
