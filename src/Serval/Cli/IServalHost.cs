using Serval.Images;
using Serval.Kube;

namespace Serval.Cli;

/// <summary>A running Serval, as the verbs <c>up</c> and <c>demo</c> see it.</summary>
internal interface IServalHost : IAsyncDisposable
{
    Uri GatewayUri { get; }

    /// <summary>The gateway with TLS.</summary>
    Uri SecureGatewayUri { get; }

    /// <summary>Where programs inside the cluster reach the gateway.</summary>
    Uri PrivateGatewayUri { get; }

    Uri ApiUri { get; }

    string KubeconfigPath { get; }

    IKubeClient Client { get; }

    ImageStore Images { get; }
}
