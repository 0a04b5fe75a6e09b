*** Settings ***
Documentation     Packets of clients are really lost: TCP sends again, and nobody is told.

Library           WaybillLibrary.Links
Library           Means
Resource          ../common.resource
Resource          ../../keywords/scenario.resource
Resource          ../../keywords/links.resource

Suite Setup       A target whose packets can be lost, where there can be one
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
What was lost is sent again by TCP, on the same connection
    Connect People    alice and bob
    FOR    ${way}    IN    TO    FROM
        Drop On Link    bob    way=${way}    mechanism=PACKETS
        Send Messages    alice    bob    count=5
        Heal Links    bob
        Wait For Deliveries    bob
    END
    Check History

Who sends into a dead wire goes on when it is whole
    Connect People    alice and bob
    Packets to the server are lost on the line of alice
    Packets from the server are lost on the line of alice
    Send Messages    bob    alice    count=5
    Send Messages    alice    bob    count=5
    Heal Links    alice
    Wait For Deliveries    alice and bob
    Check History

Bytes can vanish on the same links
    Connect People    alice and bob
    Drop On Link    alice    way=FROM    mechanism=PROXY
    Send Messages    bob    alice    count=1
    Heal Links    alice
    Wait Until Cut Off    alice
    Reconnect Everybody
    Check History

A server is killed and started again in its network
    Connect People    alice and bob
    Kill Server
    Start Server
    Reconnect Everybody
    Send Messages    alice    bob    count=5
    Check History

Packets that nobody sent prove nothing
    Connect People    alice
    Drop On Link    bob    mechanism=PACKETS
    Run Keyword And Expect Error    FaultWithoutEffect: Nothing met these faults within *one-way on bob/phone->node*
    ...    Heal Links    bob    deadline=100ms

A target that was not started for it says so
    End Scenario
    Stop Target
    Start Target    ${TARGET}    faulty_links=True
    Begin
    Connect People    alice and bob
    Run Keyword And Expect Error    MeansMissing: Packets to node cannot be lost*was not launched for that*
    ...    Drop On Link    alice    mechanism=PACKETS


*** Keywords ***
A target whose packets can be lost, where there can be one
    [Documentation]    Skips the tests where this machine lets nobody make a network.
    Skip Unless Possible    network namespaces
    A fresh target whose packets can be lost
