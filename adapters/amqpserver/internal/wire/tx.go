package wire

// The methods of class tx.

// TxSelect is the method tx.select.
type TxSelect struct{}

// ID returns 90 and 10.
func (*TxSelect) ID() (class, method uint16) { return 90, 10 }

func (*TxSelect) fields(*codec) {}

// TxSelectOk is the method tx.select-ok.
type TxSelectOk struct{}

// ID returns 90 and 11.
func (*TxSelectOk) ID() (class, method uint16) { return 90, 11 }

func (*TxSelectOk) fields(*codec) {}

// TxCommit is the method tx.commit.
type TxCommit struct{}

// ID returns 90 and 20.
func (*TxCommit) ID() (class, method uint16) { return 90, 20 }

func (*TxCommit) fields(*codec) {}

// TxCommitOk is the method tx.commit-ok.
type TxCommitOk struct{}

// ID returns 90 and 21.
func (*TxCommitOk) ID() (class, method uint16) { return 90, 21 }

func (*TxCommitOk) fields(*codec) {}

// TxRollback is the method tx.rollback.
type TxRollback struct{}

// ID returns 90 and 30.
func (*TxRollback) ID() (class, method uint16) { return 90, 30 }

func (*TxRollback) fields(*codec) {}

// TxRollbackOk is the method tx.rollback-ok.
type TxRollbackOk struct{}

// ID returns 90 and 31.
func (*TxRollbackOk) ID() (class, method uint16) { return 90, 31 }

func (*TxRollbackOk) fields(*codec) {}
