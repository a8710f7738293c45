// Package invoicing is the area of what an organisation asks its clients to pay, and of what they paid.
//
// # Whose data an invoice is
//
// An issued invoice is kept for seven years from its issue or settlement, whichever is later (policy section 7), and outlives
// whoever it is about. What it keeps is its number, dates, lines, amounts, taxes and the issuer's legal identity. Persons on
// it, and what becomes of them:
//
//   - The recipient: a client that is a person, or whom the organisation named instead. Who is to pay is in a row of its own
//     (Payer), which is blanked, never deleted before the invoice. The organisation is controller and asks for it (erase-client),
//     by itself or because the person asked; when an organisation is purged it happens to all its invoices.
//   - The recipient in free text: lines, notes, terms, the order number, the reason of a void and the references of payments
//     stay, because tax law may want what they say; the recipient's name, mail address and street as they stand in the payer
//     are struck out of them (Struck). What names the person by other words is the organisation's to judge before it sends.
//   - The issuer: the legal name and address of the organisation, frozen at sending; of a freelancer, the person. They stay
//     (Obligation): an invoice without an issuer is none. So do the issuer's tax id, sealed, and a copy of its logo (Letterhead).
//   - The organisation's people: an invoice knows members by random ids, a line by "person 1", so the end of a membership
//     unlinks them. The hours behind an invoice (Claim) go when the organisation is purged; lines made of notes stay.
//
// The document is made anew from the rows without the recipient, under a key of its own (BareKey), and the one that named the
// person goes in every version; its SHA-256 stays in the payer's row. Until the new one is there, there is none to fetch. While
// the organisation lives, its invoices stay readable to its finance roles, for its books go on; afterwards nobody reads them
// but the sweep that removes them. A draft is no invoice yet: it can only be deleted, and goes with its organisation.
package invoicing

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/registry"
)

// Routes lists the area's routes.
func Routes() []api.Operation {
	return []api.Operation{CreateInvoice(nil, keys.Pseudonyms{}), ListInvoices(), GetInvoice(nil), UpdateInvoice(nil, keys.Pseudonyms{}), DeleteInvoice(nil),
		SendInvoice(nil, Letterhead{}, keys.Links{}, ""), VoidInvoice(nil), GetPublicInvoice(nil, nil, nil),
		GetInvoicePDF(nil), GetPublicInvoicePDF(nil, nil),
		CreatePayment(nil), ListPayments(), GetPayment(), DeletePayment(nil), GetPaymentAccount()}
}

// Jobs lists the area's jobs.
func Jobs() []job.Job { return []job.Job{AssembleInvoice(), MarkOverdue()} }

// Rows registers the area's rows. All of them are kept for seven years by a clock of their invoice, and outlive persons
// and organizations; who is to pay is in a row of its own, whose fields go with the person.
func Rows() []registry.Row {
	in := []registry.Scope{registry.InOrganization}
	base := registry.Row{Area: "invoicing", Purpose: purpose.FinancialRecords, Basis: registry.Obligation, Class: registry.ClassFinance, Scopes: in}
	row := func(sample any, kind string, family string, fields ...registry.Field) registry.Row {
		r := base
		r.Sample, r.Type, r.Family, r.Fields = sample, kind, family, fields
		return r
	}
	invoice := row(Invoice{}, "INVOICE", string(Family),
		registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"), registry.Plain("client", "a random id"),
		registry.Plain("status", "a fixed word"), registry.Plain("number", "counted in the organization"), registry.Plain("currency", "a code"),
		registry.Plain("tax_rounding", "a fixed word"), registry.Plain("prices_include_tax", "a mark"), registry.Plain("discount", "an amount"),
		registry.Plain("line_count", "a count"), registry.Internal("revision", "a count"), registry.Plain("subtotal", "an amount"),
		registry.Plain("discount_total", "an amount"), registry.Plain("net", "an amount"), registry.Plain("taxes", "names of taxes, rates and amounts"),
		registry.Plain("tax", "an amount"), registry.Plain("total", "an amount"), registry.Plain("paid", "an amount"), registry.Plain("credits", "amounts, and payments by random id"), registry.Plain("terms_days", "a count of days"),
		registry.Personal("po_number", "po_number", "how the client calls the order", registry.KeepForDuty),
		registry.Personal("notes", "notes", "what the organization writes on the invoice", registry.KeepForDuty),
		registry.Personal("terms", "terms", "what the organization writes on the invoice", registry.KeepForDuty),
		registry.Plain("issued_on", "a date"), registry.Plain("due_on", "a date"), registry.Plain("time_zone", "a setting"),
		registry.Personal("issuer", "issuer", "who issued the invoice, by legal name and address; at times a person", registry.KeepForDuty),
		registry.Sealed("issuer_tax_id", "issuer_tax_id", "the tax id of who issued the invoice", registry.KeepForDuty), registry.Internal("logo", "where the logo of who issued the invoice lies, by ids"),
		registry.Plain("assembly", "projects by random id, dates, an amount and counts"), registry.Internal("run", "the id of a run"),
		registry.Leading(registry.Secret("link", "the hash of the invoice's public link", registry.KeepForDuty), registry.LookupToken),
		registry.Plain("sent_at", "a time"), registry.Plain("viewed_at", "a time"), registry.Plain("settled_at", "a time"), registry.Plain("voided_at", "a time"),
		registry.Personal("void_reason", "void_reason", "why the invoice does not count, in words", registry.KeepForDuty),
		registry.Plain("overdue", "a mark"), registry.Plain("keep_until", "a time"), registry.Plain("created", "a time"), registry.Plain("updated", "a time"))
	invoice.Export = "invoices"
	payer := row(Payer{}, "INVOICEPAYER", string(FamilyPayer),
		registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"),
		registry.Personal("name", "name", "who is to pay", registry.EraseBlank),
		registry.Personal("email", "email", "where the invoice is mailed to", registry.EraseBlank),
		registry.Secret("named", "a keyed hash of the address, which finds the organization when who is to pay asks about their data", registry.EraseBlank),
		registry.Personal("address", "address", "where who is to pay is", registry.EraseBlank),
		registry.Sealed("tax_id", "tax_id", "the tax id of who is to pay", registry.EraseBlank),
		registry.Plain("erased_at", "a time"), registry.Plain("original_pdf_sha256", "the hash of a document that is no longer there"))
	payer.Export, payer.Subject = "invoice_payers", registry.SubjectContact
	lines := row(Part{}, "INVOICELINE", string(FamilyLines),
		registry.Internal("org", "the id of the organization"), registry.Plain("invoice", "a random id"), registry.Plain("part", "a count"), registry.Internal("revision", "a count"),
		registry.Personal("lines", "lines", "what was delivered, in words, with quantities and amounts", registry.KeepForDuty))
	lines.Export, lines.Division = "invoice_lines", registry.ByObject(string(Family))
	claim := row(Claim{}, "INVOICEENTRY", string(FamilyClaims),
		registry.Internal("org", "the id of the organization"), registry.Plain("invoice", "a random id"), registry.Plain("entry", "a random id"), registry.Plain("project", "a random id"),
		registry.Personal("member", "member", "whose time is on the invoice, by random id", registry.EraseUnlink),
		registry.Personal("date", "date", "on which day the person worked", registry.KeepForDuty),
		registry.Personal("seconds", "seconds", "how long the person worked", registry.KeepForDuty), registry.Plain("rate", "an amount"),
		registry.Personal("note", "note", "what the person worked on, in their words", registry.KeepForDuty))
	claim.Export, claim.Division, claim.Subject = "invoice_entries", registry.ByObject(string(Family)), registry.SubjectMember
	payment := row(Payment{}, "PAYMENT", string(FamilyPayment),
		registry.Internal("org", "the id of the organization"), registry.Plain("id", "a random id"), registry.Plain("invoice", "a random id"), registry.Plain("client", "a random id"),
		registry.Plain("amount", "an amount"), registry.Plain("currency", "a code"), registry.Plain("paid_on", "a date"), registry.Plain("method", "a fixed word"),
		registry.Personal("reference", "reference", "how the payment is found in the organization's books", registry.KeepForDuty), registry.Plain("source", "a fixed word"),
		registry.Plain("account", "Stripe's id of the organization's account"), registry.Plain("session", "Stripe's id of a checkout"), registry.Plain("intent", "Stripe's id of a payment"),
		registry.Plain("charge", "Stripe's id of a payment"), registry.Plain("fee", "an amount"), registry.Plain("credit", "an amount"),
		registry.Plain("refunds", "amounts, times, fixed words, random ids and Stripe's"), registry.Plain("disputes", "amounts, times, fixed words and Stripe's ids"),
		registry.Plain("created", "a time"), registry.Plain("updated", "a time"))
	payment.Export = "payments"
	account := row(Account{}, "CONNECTED", string(FamilyAccount),
		registry.Internal("org", "the id of the organization"), registry.Internal("claim", "a random key"), registry.Plain("account", "Stripe's id of the organization's account"),
		registry.Plain("charges_enabled", "a mark"), registry.Plain("payouts_enabled", "a mark"), registry.Plain("details_submitted", "a mark"),
		registry.Plain("requirements", "fixed words of Stripe's for what it asks"), registry.Plain("disabled_reason", "a fixed word of Stripe's"), registry.Plain("country", "a code"),
		registry.Plain("currency", "a code"), registry.Plain("connected", "a time"), registry.Plain("disconnected", "a time"), registry.Plain("checked", "a time"),
		registry.Internal("due", "a time"), registry.Internal("since", "a time"), registry.Internal("run", "a time"), registry.Internal("after", "Stripe's id of an event"))
	account.Export, account.Class, account.Basis, account.Purpose = "payment_account", registry.ClassAccount, registry.Contract, purpose.Invoicing
	checkout := row(Checkout{}, "CHECKOUT", string(FamilyCheckout),
		registry.Internal("org", "the id of the organization"), registry.Internal("invoice", "a random id"), registry.Internal("claim", "a random key"),
		registry.Internal("account", "Stripe's id of the organization's account"), registry.Internal("amount", "an amount"), registry.Internal("currency", "a code"),
		registry.Internal("session", "Stripe's id of a checkout"), registry.Internal("processing", "a mark"), registry.Internal("ends", "a time"))
	checkout.Class, checkout.Basis, checkout.Purpose = registry.ClassWork, registry.Contract, purpose.Invoicing
	marker := row(Marker{}, "STRIPEACCOUNT", "EXT", registry.Internal("org", "a random id"), registry.Internal("connected", "a mark"), registry.Internal("account", "Stripe's id of an organization's account"))
	marker.Scopes = []registry.Scope{registry.InLookup}
	binding := row(Binding{}, "STRIPEOBJECT", "EXT", registry.Internal("org", "a random id"), registry.Internal("invoice", "a random id"), registry.Internal("payment", "a random id"))
	binding.Scopes = []registry.Scope{registry.InLookup}
	number := row(Number{}, "INVOICENUMBER", string(FamilyNumber), registry.Internal("invoice", "a random id"))
	link := row(Link{}, "INVOICELINK", "TOKEN", registry.Internal("org", "a random id"), registry.Internal("invoice", "a random id"))
	link.Scopes = []registry.Scope{registry.InLookup}
	file := row(File{}, "INVOICEPDF", string(FamilyFile), registry.Internal("org", "the id of the organization"), registry.Plain("invoice", "a random id"),
		registry.Plain("name", "the invoice's number"), registry.Stored("object", registry.DocumentsBucket, "the key of the document", registry.KeepForDuty),
		registry.Plain("sha256", "the hash of the stored document"), registry.Plain("size", "a count of bytes"),
		registry.Plain("without_recipient", "a mark"))
	file.Export = "invoice_documents"
	return []registry.Row{invoice, payer, lines, claim, payment, file, number, link, account, checkout, marker, binding}
}
