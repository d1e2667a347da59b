package jet

// BitDbReadDirty is an addition of this engine's to the flags of JetAttachDatabase (ESENT_bitDbReadDirty): together with
// BitDbReadOnly it takes a database as it is that was not shut down cleanly, to see what is left when its logs are lost.
const BitDbReadDirty Grbit = 0x00100000
