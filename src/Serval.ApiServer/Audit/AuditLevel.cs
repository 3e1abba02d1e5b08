namespace Serval.ApiServer;

/// <summary>Which requests the audit log tells of.</summary>
public enum AuditLevel
{
    /// <summary>None; no log is kept.</summary>
    Off,

    /// <summary>What changes something, what reads Secrets, and what was refused for who asked (401, 403).</summary>
    Writes,

    /// <summary>Every request.</summary>
    All,
}
