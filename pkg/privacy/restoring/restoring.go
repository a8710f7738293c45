// Package restoring builds what brings a restored table up to the vault, from a function's environment.
package restoring

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"pixeltrack.io/platform/pkg/app"
	"pixeltrack.io/platform/pkg/app/sealing"
	"pixeltrack.io/platform/pkg/blob/bucket"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/invoicing/rendering"
	"pixeltrack.io/platform/pkg/job"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/erasing"
	"pixeltrack.io/platform/pkg/privacy/vaulting"
)

// Replay needs what erasing.Sweeper and erasing.Clearances need.
func Replay(a *app.App) privacy.Replay {
	engine := erasing.Sweeper(a)
	documents := bucket.New(a.AWS("S3"), a.Setting("DOCUMENTS_BUCKET"), a.Now)
	return privacy.Replay{Engine: engine, Ledger: vaulting.Vault(a), Seals: vaulting.Seals(a),
		Table:   Table{Client: dynamodb.NewFromConfig(a.AWS("DYNAMODB")), Name: a.Setting("TABLE_NAME")},
		Contact: clients.EraseAgain,
		Then:    []job.Job{rendering.EraseRecipients(engine, documents, sealing.Keys(a)), privacy.SweepRetention(engine, erasing.Clearances(a)...)}}
}

// Table asks DynamoDB for the settings of a table.
type Table struct {
	Client *dynamodb.Client
	Name   string
}

// expiry is the attribute that rows expire by.
const expiry = "expires_at"

// ID is DynamoDB's own id of the table.
func (t Table) ID(ctx context.Context) (string, error) {
	out, err := t.Client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.Name})
	if err != nil {
		return "", fmt.Errorf("restoring: %w", err)
	}
	return aws.ToString(out.Table.TableId), nil
}

// Missing names what a table has not that came from a recovery, and must have: ttl, stream, recovery.
func (t Table) Missing(ctx context.Context) ([]string, error) {
	var off []string
	table, err := t.Client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &t.Name})
	if err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	life, err := t.Client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &t.Name})
	if err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	backups, err := t.Client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &t.Name})
	if err != nil {
		return nil, fmt.Errorf("restoring: %w", err)
	}
	if d := life.TimeToLiveDescription; d == nil || d.TimeToLiveStatus != types.TimeToLiveStatusEnabled || aws.ToString(d.AttributeName) != expiry {
		off = append(off, "ttl")
	}
	if s := table.Table.StreamSpecification; s == nil || !aws.ToBool(s.StreamEnabled) || s.StreamViewType != types.StreamViewTypeNewAndOldImages {
		off = append(off, "stream")
	}
	if d := backups.ContinuousBackupsDescription; d == nil || d.PointInTimeRecoveryDescription == nil ||
		d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		off = append(off, "recovery")
	}
	return off, nil
}
