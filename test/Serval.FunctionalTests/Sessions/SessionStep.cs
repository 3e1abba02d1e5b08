namespace Serval.FunctionalTests.Sessions;

/// <summary>One command of a session, and what it must say.</summary>
internal sealed record SessionStep(int Line, string Command)
{
    internal List<string> Output { get; } = [];

    internal List<string> Errors { get; } = [];

    internal int Code { get; set; }
}
