*** Settings ***
Documentation     Devices go from node to node, members of a group come and go at every node, and blocks hold at all of them.

Library           WaybillLibrary.Authorization
Library           WaybillLibrary.Groups
Resource          ../common.resource

Suite Setup       Start Target    ${TARGET}    many_nodes=True
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      60 seconds


*** Test Cases ***
Devices come back at another node each time
    Connect People    alice and bob
    Connect People    bob    devices=tablet
    Start Sending    alice    bob
    Reconnect During Traffic    bob    times=3    messages=30    elsewhere=True
    Disconnect Devices    tablet    how=CUT
    Reconnect Devices    tablet    elsewhere=True
    Stop Sending
    Check History

Members come and go at every node
    Connect Crowd    12
    Create Group    crew
    Leave And Remove At Every Node
    Connect People    erin and frank
    Add Members From Elsewhere    erin and frank
    Send To Group    senders=3    count=12
    Check History

A node without enough members is named
    Connect Crowd    4
    Create Group    crew
    Run Keyword And Expect Error
    ...    NobodyThere: Expected two members of crew at * and one at another node, found 1 and *.
    ...    Leave And Remove At Every Node
    Check History

Blocks and rules are tried at every node
    Try At Every Node    mallory    victim=bob
    Role Table Should Hold
    Check History
