using System.Net;

namespace Serval.ApiServer.Pipeline;

/// <summary>What one write holds of the Services' addresses until it has ended, well or not. Its fields are <see cref="ServiceAddresses"/>' to guard.</summary>
internal sealed class AddressHold(ServiceAddresses addresses) : IDisposable
{
    /// <summary>Null when it holds none, or what it held is stored.</summary>
    internal IPAddress? Address { get; set; }

    /// <summary>Of the Service that the address is for.</summary>
    internal string Uid { get; set; } = "";

    public void Dispose() => addresses.GiveBack(this);
}
