using System.Text.Json.Nodes;
using Serval.Remote;

namespace Serval.Kn;

/// <summary>What the states of an object tell while it is waited for (knative/client: pkg/wait/wait_for_ready.go).</summary>
internal sealed class ReadyStory
{
    private string _told = "";

    /// <summary>What is wrong, while the condition is False; it is final only when it stays so for a while.</summary>
    public string? Failure { get; private set; }

    public bool IsReady { get; private set; }

    /// <summary>Takes in a state; returns what there is to tell about it.</summary>
    public string? See(JsonObject obj)
    {
        if (!Conditions.AreCurrent(obj) || Conditions.Ready(obj) is not { } ready)
        {
            return null;
        }
        IsReady = ready.Status == "True";
        Failure = ready.Status == "False" ? $"{ready.Reason}: {ready.Message}" : null;
        if (ready.Message.Length == 0)
        {
            return null;
        }
        var line = ready.Message == _told ? "..." : ready.Message;
        _told = ready.Message;
        return line;
    }
}
