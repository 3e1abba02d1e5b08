namespace Serval.Kube.Streams;

/// <summary>
/// A WebSocket subprotocol that carries several streams, each message beginning with its channel's number (apimachinery util/remotecommand and
/// util/httpstream/wsstream).
/// </summary>
/// <param name="Name">Empty for clients that name none.</param>
/// <param name="IsBase64">Messages are text: a digit, and base64.</param>
/// <param name="HasStatus">The error channel carries a Status at each end; without, a text when something failed.</param>
/// <param name="HasClose">The client can end a stream and keep the connection.</param>
internal sealed record ChannelProtocol(string Name, bool IsBase64, bool HasStatus, bool HasClose)
{
    private static readonly ChannelProtocol s_plain = new("", IsBase64: false, HasStatus: false, HasClose: false);

    private static readonly ChannelProtocol[] s_served =
    [
        new("v5.channel.k8s.io", IsBase64: false, HasStatus: true, HasClose: true),
        new("v4.channel.k8s.io", IsBase64: false, HasStatus: true, HasClose: false),
        new("v4.base64.channel.k8s.io", IsBase64: true, HasStatus: true, HasClose: false),
        new("channel.k8s.io", IsBase64: false, HasStatus: false, HasClose: false),
        new("base64.channel.k8s.io", IsBase64: true, HasStatus: false, HasClose: false),
    ];

    /// <summary>The first of a client's wishes that is served; null when none is.</summary>
    public static ChannelProtocol? Choose(IReadOnlyList<string> offered) =>
        offered.Count == 0 ? s_plain : offered.Select(o => s_served.FirstOrDefault(p => p.Name == o)).FirstOrDefault(p => p is not null);

    /// <summary>As <see cref="Choose"/> for port forwards, which have but these (cri-streaming portforward/websocket.go).</summary>
    public static ChannelProtocol? ChooseForPorts(IReadOnlyList<string> offered) =>
        offered.Count == 0 ? s_plain : Choose([.. offered.Where(o => o is "v4.channel.k8s.io" or "v4.base64.channel.k8s.io")]) is { Name.Length: > 0 } found ? found : null;
}
