// Package payments is how clients pay through Stripe, by direct charges on an organisation's own account: connecting the
// account, checkout, refunds, and the ledger that follows what Stripe says. The rows are those of package invoicing.
package payments

import (
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/job"
)

// Routes lists the routes of this package.
func Routes() []api.Operation {
	return []api.Operation{CreatePaymentAccount(nil, nil, ""), DeletePaymentAccount(nil, nil, ""), CreateCheckout(nil, nil, ""), CreateRefund(nil, nil)}
}

// Jobs lists the jobs of this package.
func Jobs() []job.Job {
	return []job.Job{ApplyStripeEvent(nil), ReconcilePayments(nil), ExpireCheckouts(nil, "")}
}
