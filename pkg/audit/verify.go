package audit

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/audit/chain"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// VerifyIn is the input of verify-audit.
type VerifyIn struct {
	Cursor string `query:"cursor" maxLength:"20" doc:"next_cursor of the call before; without it the verification begins with the chain." example:"20"`
}

// VerifyOut is the answer of verify-audit.
type VerifyOut struct{ Body chain.Report }

// VerifyAudit recomputes the organization's audit chain and holds it against what was signed.
func VerifyAudit(w chain.Witness) api.Operation {
	return api.New(api.Route{
		ID: "verify-audit", Area: "organization", Method: http.MethodGet, Path: "/v1/audit/verification", PureRead: true, Permission: access.AuditRead,
		Summary: "Verify that no audit record was changed", Purpose: purpose.Security,
		Description: "Records are tied into a chain of hashes within 20 minutes. A call recomputes up to 20 seals of 100 records and names every record or seal that was edited, dropped, added, moved or cut off; " +
			"the last call compares the chain with the head that is signed every day and kept where nobody can delete it, and tells when the whole chain was made anew; " +
			"go on with next_cursor until there is none. Records and seals that are older than 7 years are gone and not missed. " +
			"When data was restored from a backup, what was recorded since the backup is lost: each restoration is listed, and is also a finding, restoration_unsigned, until the next daily signing vouches for it.",
		ExampleOut: chain.Report{Intact: true, Seals: 3, Records: 212, Waiting: 4, Signed: 3, Findings: []chain.Finding{}, Restored: []chain.Restored{}},
	}, func(ctx context.Context, c *api.Caller, in *VerifyIn) (*VerifyOut, error) {
		return Verify(ctx, c.Org, w, c.Now, in)
	})
}

// Verify recomputes a part of the chain that a holder has.
func Verify(ctx context.Context, h chain.Holder, w chain.Witness, now time.Time, in *VerifyIn) (*VerifyOut, error) {
	report, err := chain.Verify(ctx, h, w, now, in.Cursor)
	if errors.Is(err, chain.ErrCursor) {
		return nil, api.ListError(store.ErrCursor)
	}
	if err != nil {
		return nil, err
	}
	return &VerifyOut{*report}, nil
}
