using Serval.Proxy.Tests.Http1;

// What holds without TLS holds with it.
namespace Serval.Proxy.Tests.Tls;

public sealed class SecuredForwardingTests : ForwardingTests
{
    protected override bool Secure => true;
}

public sealed class SecuredUpgradeTests : UpgradeTests
{
    protected override bool Secure => true;
}

public sealed class SecuredFailureTests : FailureTests
{
    protected override bool Secure => true;
}

public sealed class SecuredPatienceTests : PatienceTests
{
    protected override bool Secure => true;
}

public sealed class SecuredHoldTests : HoldTests
{
    protected override bool Secure => true;
}

public sealed class SecuredReleaseTests : ReleaseTests
{
    protected override bool Secure => true;
}

public sealed class SecuredStrictnessTests : StrictnessTests
{
    protected override bool Secure => true;
}
